"""What a web process loads, and what it does not."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CODE = """
import sys
from django.test import Client
from config.wsgi import application
assert Client().get("/login/", headers={"host": "localhost"}).status_code == 200
print(sorted({"torch", "transformers", "datasets", "pyarrow"} & sys.modules.keys()))
"""


def test_a_web_process_that_served_a_page_has_loaded_no_model_library() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=ROOT, env=dict(os.environ), capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]", done.stderr

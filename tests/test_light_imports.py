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
from labelers.judges import JUDGES
from labelers.registration import check_config
local = {"engine": "local", "engine_config": {"model": "smollm2"}}
check_config("llm_judge", local)
assert JUDGES["llm_judge"].needs_own_worker(local)
assert all(judge.schema() for judge in JUDGES.values())
assert Client().get("/login/", headers={"host": "localhost"}).status_code == 200
print(sorted({"torch", "transformers", "datasets", "pyarrow"} & sys.modules.keys()))
"""


def test_a_web_process_that_checks_a_labeler_and_serves_a_page_loads_no_model_library() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=ROOT, env=dict(os.environ), capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]", done.stderr

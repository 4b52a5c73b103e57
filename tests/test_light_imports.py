"""What a web process loads, and what it does not."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse

from tests.test_every_address import (
    BUILDING,
    GET,
    MANAGER,
    OPEN,
    OWN,
    PERSONAL,
    ROUTES,
    Place,
    make_place,
)

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {"torch", "transformers", "datasets", "pyarrow"}
CODE = """
import json, sys
from django.test import Client
from config.wsgi import application
from django.db import connection
from labelers.judges import JUDGES
from labelers.registration import check_config
from web.models import User
local = {"engine": "local", "engine_config": {"model": "smollm2"}}
check_config("llm_judge", local)
assert JUDGES["llm_judge"].needs_own_worker(local)
assert all(judge.schema() for judge in JUDGES.values())
connection.close()
connection.settings_dict["NAME"] = sys.argv[1]
answers = {}
for username, path in json.load(sys.stdin):
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.get(username=username))
    answers[path] = client.get(path).status_code
print(json.dumps([sorted(sys.modules), answers]))
"""
REFUSED = {400, 401, 403, 404, 405, 500}


@pytest.fixture
def place(transactional_db: None) -> Place:
    """Make a place that another process sees."""
    return make_place()


def addresses(place: Place) -> list[tuple[str, str]]:
    """Return every address that can be opened, with whoever may open it."""
    asked = []
    for name in sorted({*GET, *PERSONAL, *OPEN} - BUILDING - {"join", "revoke_token", "logout"}):
        names = {**place.names, **place.special.get(name, {})}
        wanted = {key: names[key] for key in re.findall(r"<\w+:(\w+)>", ROUTES[name])}
        who = "owner" if GET.get(name) == OWN else MANAGER
        asked.append((who, reverse(name, kwargs=wanted)))
    return asked


@pytest.mark.django_db(transaction=True)
def test_a_web_process_that_serves_every_page_of_a_project_loads_no_model_library(
    place: Place,
) -> None:
    asked = addresses(place)
    done = subprocess.run(
        [sys.executable, "-c", CODE, settings.DATABASES["default"]["NAME"]],
        cwd=ROOT,
        env=dict(os.environ),
        input=json.dumps(asked),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    loaded, answers = json.loads(done.stdout)
    assert sorted(HEAVY.intersection(loaded)) == []
    assert {"annotation.routing_views", "annotation.label_views"} <= set(loaded)
    for page in ("routing/", "runs/", "label/eggs/", "report/"):
        assert any(page in path for path in answers), page
    # A feed of changes refuses to begin without the link that a first page gives.
    feeds = {path for path in answers if path.endswith("/changes/")}
    refused = {path for path, n in answers.items() if n in REFUSED}
    assert refused == feeds

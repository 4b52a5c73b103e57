"""Schemathesis over the REST API of a running site: no fault, and no answer but what is described.

Every operation is asked with right and wrong values, as a manager, a labeler and an outsider.
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from pytest_django.live_server_helper import LiveServer
from schemathesis import GenerationMode, checks
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok

from annotation import routing, webhooks
from annotation.api_runs import run_json
from annotation.models import Assignment, Run
from annotation.service_accounts import make_service_account, make_service_token
from datasets_app.models import HeldOut
from labelers.models import Labeler
from labelers.registration import labeler_of, register_model
from tests.annotation.reading_api import Eggs, client_of, eggs
from tests.factories import (
    make_lease,
    make_problem,
    make_project,
    make_run,
    make_snapshot,
    make_solution,
    make_token,
    make_upload,
    make_user,
)
from web.models import Scope, User

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

PROJECT = "/api/v1/projects/{slug}/"
NOT_TO_BE_GUESSED = {
    "annotations/changes/",
    "verdicts/changes/",
    "assignments/{assignment_id}/candidates/",
}
"""What needs a cursor that a page gave, or a project of the other mode."""
EXAMPLES = 5
"""Of each operation with right values, and as many with wrong ones."""
CHECKS: list[Any] = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]


def described(user: User) -> dict[str, Any]:
    found: dict[str, Any] = client_of(user).get("/api/v1/schema/").json()
    return found


def names(here: Eggs, user: User) -> dict[str, Any]:
    """Return what addresses name: what there is, and of a labeler's their own."""
    make_solution(make_problem(here.project))
    routing.route(project=here.project)
    lease = make_lease(Assignment.objects.open().earliest("pk"), labeler_of(user))
    register_model(name="arithmetic", judge="arithmetic")
    held = HeldOut.objects.create(project=here.project, name="eval", texts=["?"], sha256="0" * 64)
    run = make_run(here.project, kind=Run.Kind.LABELLING, state=Run.State.PAUSED)
    program = make_service_account(project=here.project, name="checker")
    token, _ = make_service_token(membership=program, name="a", scopes=["label"], days=1)
    webhook = webhooks.make_webhook(
        project=here.project,
        url="https://hooks.example.org",
        events=["run.finished"],
        user=here.manager,
    )
    return {
        "slug": "eggs",
        "problem_id": here.solution.problem_id,
        "solution_id": here.solution.pk,
        "step_id": here.solution.steps.get(position=1).pk,
        "annotation_id": here.of_ada.pk,
        "labeler_uuid": str(Labeler.objects.get(user=here.ada).uuid),
        "assignment_id": lease.assignment_id,
        "run_id": run.pk,
        "import_id": make_upload(here.project).pk,
        "member_id": program.pk,
        "token": token.token_key,
        "webhook_id": webhook.pk,
        "delivery": str(webhooks.ping(project=here.project, webhook=webhook).uuid),
        "name": make_snapshot(here.project, state="frozen").dataset.slug,
        "version": 1,
        "path": "manifest.json",
        "held_out_id": held.pk,
    }


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("who", ["manager", "ada", "outsider"])
def test_every_operation_answers_as_it_is_described(who: str, live_server: LiveServer) -> None:
    here = eggs()
    user = {"manager": here.manager, "ada": here.ada}.get(who) or make_user("outsider")
    known = names(here, user)
    scopes = list(Scope.values)
    secret = make_token(user, scopes=scopes, every_project=True)[1]
    headers = {"Authorization": f"Token {secret}"}
    schema = schemathesis.openapi.from_dict(described(user))
    asked, wrong = dict[str, list[int]](), {}
    for operation in deleting_last(schema.get_all_operations()):
        statuses = asked.setdefault(operation.label, [])
        for mode in GenerationMode:
            try:
                ask(operation, mode, known, live_server.url, headers, statuses)
            except (FailureGroup, Failure) as failure:
                said = getattr(failure, "exceptions", [failure])
                wrong[f"{operation.label}, {mode}"] = "\n".join(map(str, said))
    assert wrong == {}
    assert sum(map(len, asked.values())) > 30 * EXAMPLES
    if who == "manager":
        never = {label for label in asked if label.startswith("GET") and 200 not in asked[label]}
        assert {label.removeprefix(f"GET {PROJECT}") for label in never} == NOT_TO_BE_GUESSED


def deleting_last(found: Iterable[Any]) -> list[Any]:
    """Return the operations, those behind which nothing is there any more at the end."""
    operations = []
    for one in found:
        assert isinstance(one, Ok)
        operations.append(one.ok())
    return sorted(operations, key=lambda operation: operation.method == "delete")


def ask(
    operation: Any,
    mode: GenerationMode,
    known: dict[str, Any],
    url: str,
    headers: dict[str, str],
    statuses: list[int],
) -> None:
    """Ask `operation` a number of times; add what was answered. Raises what a check finds."""
    if "/imports/" in operation.path:
        known = {**known, "run_id": known["import_id"]}
    wanted = {name: value for name, value in known.items() if f"{{{name}}}" in operation.path}

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode, path_parameters=wanted or None))
    def each(case: Any) -> None:
        response = case.call(base_url=url, headers=headers)
        statuses.append(response.status_code)
        case.validate_response(response, checks=CHECKS)

    # An operation may have nothing that could be wrong.
    with suppress(Unsatisfiable):
        each()


def test_nothing_is_left_undescribed() -> None:
    schema = described(make_user())
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            answers = operation["responses"]
            assert "default" in answers
            fine = [status for status in answers if status.startswith("2")]
            assert fine, f"{method} {path}"
            for status in fine:
                if status == "204":
                    continue
                assert answers[status]["content"], f"{method} {path}"
                for kind, answer in answers[status]["content"].items():
                    assert answer["schema"], f"{method} {path} {kind}"
            assert operation["description"], f"{method} {path} says nothing"


def test_every_post_takes_an_idempotency_key() -> None:
    schema = described(make_user())
    for path, operations in schema["paths"].items():
        headers = [one["name"] for one in operations.get("post", {}).get("parameters", ())]
        assert headers.count("Idempotency-Key") == ("post" in operations), path


def test_a_run_is_described_as_it_is_told() -> None:
    shape = described(make_user())["components"]["schemas"]["RunShape"]
    told = run_json(make_run(make_project("eggs")))
    assert shape["properties"].keys() == told.keys()

"""What a project's webhooks are told of, and when."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation import events, run_control, run_kinds, runs, webhooks
from annotation.drafts import Draft, Mark
from annotation.handing_in import hand_in
from annotation.labelling import request
from annotation.models import Annotation, Project, Run, RunSlice
from labelers.registration import labeler_of, register_model
from tests.factories import (
    make_assignment,
    make_lease,
    make_problem,
    make_project,
    make_run,
    make_solution,
    make_user,
)
from web.models import Delivery

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project("eggs")


def listen(project: Project, *names: str) -> Any:
    made = webhooks.make_webhook(
        project=project,
        url="https://hooks.example.org",
        events=names or sorted(events.EVENTS),
        user=make_user(),
    )
    project.refresh_from_db()
    return made


def told() -> list[tuple[str, dict[str, Any]]]:
    return list(Delivery.objects.order_by("pk").values_list("event", "payload"))


def submit(project: Project) -> Annotation:
    solution = make_solution(make_problem(project))
    lease = make_lease(make_assignment(solution), labeler_of(make_user()))
    marks = {step.pk: Mark(rating=1) for step in solution.steps.all()}
    return hand_in(lease, Draft(marks=marks)).annotation


def test_a_persons_work_is_told_once(project: Project) -> None:
    listen(project)
    made = submit(project)
    ((event, payload),) = told()
    assert event == "annotation.submitted"
    assert payload == {
        "project": "eggs",
        "annotation": {
            "id": made.pk,
            "solution": made.solution_id,
            "labeler": str(made.labeler.uuid),
            "finish_reason": made.finish_reason,
            "surplus": False,
            "supersedes": None,
        },
    }
    assert made.lease is not None
    hand_in(made.lease, Draft())
    assert len(told()) == 1, "the same again is nothing new"


def test_handing_in_asks_nothing_more_where_nobody_listens(project: Project) -> None:
    with CaptureQueriesContext(connection) as captured:
        submit(project)
    assert not any("web_subscription" in query["sql"] for query in captured)
    assert told() == []


def test_a_models_marks_and_the_end_of_its_run_are_told(project: Project) -> None:
    listen(project)
    make_solution(make_problem(project), ["16 - 7 = 9."])
    make_solution(make_problem(project), ["16 - 7 = 8."])
    run = request(project=project, labeler=register_model(name="sums", judge="arithmetic"))
    runs.work_here(run, run_kinds.slice_work(run))
    names = [event for event, _ in told()]
    assert names == ["annotation.submitted"] * 2 + ["run.finished"]
    ended = told()[-1][1]["run"]
    assert (ended["id"], ended["state"], ended["done"]) == (run.pk, "finished", 2)


def test_a_run_that_cannot_go_on_or_is_cancelled_is_told(project: Project) -> None:
    listen(project, "run.finished")

    def refuse(piece: RunSlice) -> Any:
        raise runs.CannotRun("no engine")

    for end in ("fail", "cancel"):
        run = make_run(project, total=1)
        RunSlice.objects.create(run=run, number=0, payload=[1])
        if end == "fail":
            piece = runs.claim(run.pk)
            assert piece is not None
            runs.work(piece, refuse)
        else:
            run_control.cancel(run)
    assert [payload["run"]["state"] for _, payload in told()] == ["failed", "cancelled"]


def test_nothing_is_told_of_other_events_and_of_candidates(project: Project) -> None:
    listen(project, "snapshot.ready")
    submit(project)
    run_control.cancel(make_run(project))
    listen(project, "run.finished")
    run_control.cancel(make_run(project, kind=Run.Kind.CANDIDATES))
    assert told() == []
    events.publish(project, "snapshot.ready", [{"snapshot": 3}])
    assert told() == [("snapshot.ready", {"project": "eggs", "snapshot": 3})]


def test_an_unknown_event_is_refused(project: Project) -> None:
    with pytest.raises(ValueError, match=r"known: .*snapshot\.ready"):
        events.publish(project, "snapshot", [{}])

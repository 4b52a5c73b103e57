"""Reading a project over REST: problems, solutions, steps, annotations, verdicts, labelers."""

from typing import Any

import orjson
import pytest
from rest_framework.serializers import Serializer
from rest_framework.test import APIClient

from annotation import api_rows, api_shapes
from annotation.models import Annotation, Solution
from labelers.models import Labeler
from tests.annotation.reading_api import Eggs, address, client_of, eggs
from tests.factories import (
    make_annotation,
    make_labeler,
    make_problem,
    make_project,
    make_run,
    make_solution,
    make_step,
    make_user,
)
from web.ndjson import JsonRows

pytestmark = pytest.mark.django_db

SETS = ("problems", "solutions", "steps", "annotations", "verdicts", "labelers")


@pytest.fixture
def here() -> Eggs:
    return eggs()


@pytest.fixture
def client(here: Eggs) -> APIClient:
    return client_of(here.manager)


def read(client: APIClient, name: str, *args: Any, **query: Any) -> Any:
    response = client.get(address(name, *args), query)
    assert response.status_code == 200, response.content
    return orjson.loads(response.content)


def lines(client: APIClient, name: str, **query: Any) -> list[Any]:
    response = client.get(address(name), query, headers={"Accept": "application/x-ndjson"})
    assert response.status_code == 200, response.content
    assert response["Content-Type"] == "application/x-ndjson"
    return [orjson.loads(line) for line in response.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("rows", "shape"),
    [
        (api_rows.PROBLEMS, api_shapes.ProblemShape),
        (api_rows.SOLUTIONS, api_shapes.SolutionShape),
        (api_rows.STEPS, api_shapes.StepShape),
        (api_rows.ANNOTATIONS, api_shapes.AnnotationShape),
        (api_rows.VERDICTS, api_shapes.VerdictShape),
        (api_rows.LABELERS, api_shapes.LabelerShape),
    ],
)
def test_what_is_written_has_the_fields_that_are_described(
    rows: JsonRows, shape: type[Serializer[Any]]
) -> None:
    assert list(rows.columns) == list(shape().fields)


def test_an_annotation_comes_with_its_marks_on_steps(here: Eggs, client: APIClient) -> None:
    one = read(client, "annotation", here.of_ada.pk)
    assert one == read(client, "annotations")["results"][0]
    steps = list(here.solution.steps.order_by("position"))
    labeler = Labeler.objects.get(user=here.ada)
    assert (one["labeler"], one["labeler_kind"]) == (str(labeler.uuid), "person")
    assert (one["finish_reason"], one["solution"]) == ("found_error", here.solution.pk)
    assert [label["step"] for label in one["labels"]] == [step.pk for step in steps]
    assert [label["text"] for label in one["labels"]] == ["We take 7.", "It is 8."]
    assert [label["rating"] for label in one["labels"]] == [1, -1]
    assert one["labels"][1]["comment"] == "16 - 7 is 9."
    assert [place["chosen"] for place in one["positions"]] == [steps[0].pk, None]


def test_every_set_is_the_same_by_pages_as_in_one_stream(here: Eggs, client: APIClient) -> None:
    for number in range(5):
        solution = make_solution(make_problem(here.project), [f"Step {number}.", "End."])
        make_annotation(solution, make_labeler(), ratings=[0])
    make_step(here.solution, 1, "It is 9.", alternative=1)
    for name in SETS:
        paged, url = [], address(name) + "?limit=2"
        while url:
            page = orjson.loads(client.get(url).content)
            paged += page["results"]
            url = page["next"]
        assert paged == lines(client, name), name
        assert paged


def test_pages_lead_back_as_well(here: Eggs, client: APIClient) -> None:
    for _ in range(4):
        make_problem(here.project)
    first = read(client, "problems", limit=2)
    second = orjson.loads(client.get(first["next"]).content)
    last = orjson.loads(client.get(second["next"]).content)
    assert (first["previous"], last["next"]) == (None, None)
    assert [len(page["results"]) for page in (first, second, last)] == [2, 2, 1]
    assert orjson.loads(client.get(last["previous"]).content)["results"] == second["results"]
    before = orjson.loads(client.get(second["previous"]).content)
    assert (before["results"], before["previous"]) == (first["results"], None)
    falling = read(client, "problems", order="-id")["results"]
    assert [row["id"] for row in falling] == sorted((row["id"] for row in falling), reverse=True)


def test_each_set_is_narrowed_by_what_is_listed(here: Eggs, client: APIClient) -> None:
    other = make_problem(here.project, source="gsm8k", split="train")
    model = make_labeler("arithmetic")
    right = make_solution(other, ["Right."], is_correct=True, model="large", generation=2)
    machine = make_annotation(right, model, ratings=[1], finish_reason="solution")
    assert [row["id"] for row in read(client, "problems", source="gsm8k")["results"]] == [other.pk]
    for query in (
        {"is_correct": "true"},
        {"model": "large"},
        {"problem": other.pk},
        {"generation": 2},
    ):
        assert [s["id"] for s in read(client, "solutions", **query)["results"]] == [right.pk]
    assert read(client, "solutions", is_correct="null")["results"] == []
    for query in (
        {"labeler": str(model.uuid)}, {"labeler_kind": "model"}, {"finish_reason": "solution"},
        {"solution": right.pk},
    ):  # fmt: skip
        assert [a["id"] for a in read(client, "annotations", **query)["results"]] == [machine.pk]
        assert [a["id"] for a in lines(client, "annotations", **query)] == [machine.pk]
    assert len(read(client, "steps", solution=here.solution.pk, own="true")["results"]) == 2
    assert read(client, "steps", own="false")["results"] == []
    assert len(read(client, "verdicts", rating=-1)["results"]) == 1
    assert [row["name"] for row in read(client, "labelers", kind="model")["results"]] == [
        "arithmetic"
    ]


def test_a_correction_takes_the_place_of_what_it_corrects(here: Eggs, client: APIClient) -> None:
    again = make_annotation(
        here.solution, here.of_ada.labeler, ratings=[1, 0], supersedes=here.of_ada
    )
    found = [row["id"] for row in read(client, "annotations")["results"]]
    assert found == [here.of_bob.pk, again.pk]
    assert read(client, "annotation", here.of_ada.pk)["superseded_by"] == again.pk


def test_labelers_read_their_own_marks_and_no_answers_to_be_found(here: Eggs) -> None:
    here.project.show_reference_answer = False
    here.project.save()
    ada = client_of(here.ada)
    assert [row["id"] for row in read(ada, "annotations")["results"]] == [here.of_ada.pk]
    assert read(ada, "annotation", here.of_ada.pk)["is_quality_control"] is None
    assert ada.get(address("annotation", here.of_bob.pk)).status_code == 404
    (problem,) = read(ada, "problems")["results"]
    assert problem["text"]
    assert {problem[name] for name in ("reference_answer", "reference_solution")} == {None}
    (solution,) = read(ada, "solutions")["results"]
    assert solution["is_correct"] is None
    assert ada.get(address("solutions"), {"is_correct": "true"}).status_code == 403
    for name in ("verdicts", "labelers"):
        assert ada.get(address(name)).status_code == 403


def test_labelers_do_not_read_what_others_built(here: Eggs) -> None:
    built = make_solution(make_problem(here.project), ["By ada."], built=True)
    make_annotation(built, here.of_ada.labeler, ratings=[1])
    written = make_step(here.solution, 1, "Ada's own.", alternative=1, writer="human")
    empty = make_solution(make_problem(here.project), [], built=True)
    ada, bob, manager = (client_of(user) for user in (here.ada, here.bob, here.manager))
    for client, sees in ((ada, True), (bob, False), (manager, True)):
        assert (built.pk in [row["id"] for row in read(client, "solutions")["results"]]) is sees
        steps = {row["solution"] for row in read(client, "steps")["results"]}
        assert (built.pk in steps) is sees
    assert bob.get(address("solution", built.pk)).status_code == 404
    assert written.pk not in [row["id"] for row in read(bob, "steps")["results"]]
    here.project.mode = "explore"
    here.project.save()
    assert empty.pk not in [row["id"] for row in read(manager, "solutions")["results"]]


def test_outsiders_and_other_projects_tokens_find_nothing(here: Eggs) -> None:
    elsewhere = make_project("milk", members={here.manager: "manager"})
    token = client_of(here.manager, every_project=False)
    for name in (*SETS, "runs"):
        assert client_of(make_user()).get(address(name)).status_code == 404
        assert token.get(address(name)).status_code == 404
        assert client_of(here.manager, "label").get(address(name)).status_code == 403
        assert APIClient().get(address(name)).status_code == 401
        assert client_of(here.manager).delete(address(name)).status_code == 405
    problem = make_problem(elsewhere)
    assert client_of(here.manager).get(address("problem", problem.pk)).status_code == 404


def test_projects_are_those_that_caller_and_token_open(here: Eggs) -> None:
    make_project("milk", members={here.ada: "reader"})
    make_project("bread")
    found = client_of(here.ada).get("/api/v1/projects/").json()["results"]
    assert [(row["slug"], row["role"]) for row in found] == [
        ("eggs", "labeler"),
        ("milk", "reader"),
    ]
    by_slug = client_of(here.ada).get("/api/v1/projects/", {"order": "-slug", "limit": "1"}).json()
    assert [row["slug"] for row in by_slug["results"]] == ["milk"]
    assert client_of(here.ada).get(by_slug["next"]).json()["results"][0]["slug"] == "eggs"
    narrow = client_of(here.ada, every_project=False)
    assert narrow.get("/api/v1/projects/").json()["results"] == []
    assert client_of(here.ada, "label").get("/api/v1/projects/").status_code == 403
    assert client_of(here.ada).get("/api/v1/projects/eggs/").json()["role"] == "labeler"
    assert client_of(make_user()).get("/api/v1/projects/eggs/").status_code == 404


def test_a_run_that_wrote_a_solution_is_named(here: Eggs, client: APIClient) -> None:
    run = make_run(here.project)
    Solution.objects.filter(pk=here.solution.pk).update(run=run)
    assert read(client, "solutions", run=run.pk)["results"][0]["run"] == run.pk


def test_what_nobody_sees_is_an_empty_stream(here: Eggs) -> None:
    Annotation.objects.filter(labeler__user=here.ada).delete()
    assert lines(client_of(here.ada), "annotations") == []
    nobody = make_user()
    make_project("milk", members={nobody: "labeler"})
    response = client_of(nobody).get(
        "/api/v1/projects/milk/annotations/", headers={"Accept": "application/x-ndjson"}
    )
    assert response.getvalue() == b""

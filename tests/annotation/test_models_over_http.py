"""Sampling and judging with a real model behind a real server, from the request to the rows."""

import pytest

from annotation import drawing, labelling, runs, sampling
from annotation.models import Annotation, Run
from annotation.runs import SliceWork
from labelers.engines.base import Decoding
from labelers.registration import register_model
from tests.factories import make_problem, make_project, make_solution
from tests.model_server import ModelServer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db,
    pytest.mark.xdist_group("model server"),
]

BOX = "A box holds 4 red and 5 blue pens. How many pens does it hold?"


def engine_of(server: ModelServer) -> dict[str, object]:
    # A busy machine may be slow, and a request given up goes on in the server.
    patience = {"timeout_s": 280, "attempts": 1, "concurrency": 1}
    return {"model": server.model, "base_url": server.base_url, "chat": False, **patience}


def carry_out(run: Run, slice_work: SliceWork) -> Run:
    while piece := runs.claim(run.pk):
        assert runs.work(piece, slice_work)
    run.refresh_from_db()
    return run


def test_solutions_are_drawn_over_http(model_server: ModelServer) -> None:
    project = make_project()
    make_problem(project, BOX)
    wanted = sampling.SamplingRequest(
        engine="openai",
        engine_config=engine_of(model_server),
        prompt="few_shot_cot",
        decoding=Decoding(temperature=0.3, max_tokens=32),
        solutions_a_problem=2,
    )
    run = carry_out(sampling.request(project=project, wanted=wanted), drawing.draw_slice)
    assert (run.state, run.done, run.failed) == ("finished", 2, 0), run.errors
    assert 0 < run.completion_tokens <= 2 * 32
    for solution in project.solutions.all():
        assert solution.steps.exists()
        assert "Problem:" not in solution.text


def test_a_language_model_judges_over_http(model_server: ModelServer) -> None:
    project = make_project()
    problem = make_problem(project, BOX)
    make_solution(problem, ["4 + 5 = 9 pens are in the box.", "The answer is 9."])
    make_solution(problem, ["4 + 5 = 8 pens are in the box.", "The answer is 8."])
    labeler = register_model(
        name="critic",
        judge="llm_judge",
        config={
            "engine": "openai",
            "engine_config": engine_of(model_server),
            "prompt": "critique_few_shot",
            "votes": 2,
            "temperature": 0.5,
            "max_tokens": 48,
        },
    )
    run = carry_out(labelling.request(project=project, labeler=labeler), labelling.judge_slice)
    # So small a model does not always keep to the form: then there is no vote.
    assert (run.state, run.done + run.failed) == ("finished", 2)
    assert run.done > 0, run.errors
    assert all("vote" in reason for reason in run.errors)
    assert run.prompt_tokens > 0
    assert 0 < run.completion_tokens <= 4 * 48
    for annotation in project.annotations.all():
        check(annotation)


def test_steps_are_judged_by_their_continuations_over_http(model_server: ModelServer) -> None:
    project = make_project()
    problem = make_problem(project, BOX, reference_answer="9")
    make_solution(problem, ["4 + 5 = 8.", "The answer is 8."], final_answer="8")
    config = {
        "engine": "openai",
        "engine_config": engine_of(model_server),
        "prompt": "few_shot_cot",
        "rollouts": 2,
        "max_tokens": 24,
    }
    labeler = register_model(name="rollouts", judge="rollouts", config=config)
    run = carry_out(labelling.request(project=project, labeler=labeler), labelling.judge_slice)
    assert (run.state, run.done) == ("finished", 1), run.errors
    annotation = project.annotations.get()
    assert [len(each["answers"]) for each in annotation.evidence["prefixes"]] == [2, 1]
    assert 0 < run.completion_tokens <= 2 * 24
    assert annotation.cost.calls == 2
    first = annotation.labels.order_by("step__position").first()
    assert first is not None
    assert first.score == annotation.evidence["prefixes"][0]["hits"] / 2


def check(annotation: Annotation) -> None:
    """Compare the marks that were kept with the votes that the model gave."""
    votes = annotation.evidence["votes"]
    assert sum(votes.values()) + annotation.evidence["dropped"] == 2
    first_error = annotation.evidence["first_error"]
    assert votes[str(first_error)] == max(votes.values())
    expected = [1, 1] if first_error == -1 else [1] * first_error + [-1]
    labels = annotation.labels.order_by("step__position")
    assert list(labels.values_list("rating", flat=True)) == expected
    assert len(annotation.evidence["texts"]) == 2

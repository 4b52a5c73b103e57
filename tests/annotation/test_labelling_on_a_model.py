"""Judging by a real model behind a real server, from the request to the marks."""

import pytest

from annotation import labelling, runs
from annotation.models import Annotation
from labelers.registration import register_model
from tests.factories import make_problem, make_project, make_solution
from tests.model_server import ModelServer, model_server

__all__ = ["model_server"]

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


def test_a_language_model_judges_over_http(model_server: ModelServer) -> None:
    project = make_project()
    problem = make_problem(project, "A box holds 4 red and 5 blue pens. How many?")
    make_solution(problem, ["4 + 5 = 9 pens are in the box.", "The answer is 9."])
    make_solution(problem, ["4 + 5 = 8 pens are in the box.", "The answer is 8."])
    engine = {"model": model_server.model, "base_url": model_server.base_url, "chat": False}
    labeler = register_model(
        name="critic",
        judge="llm_judge",
        config={
            "engine": "openai",
            "engine_config": engine,
            "prompt": "critique_few_shot",
            "votes": 3,
            "temperature": 0.5,
            "max_tokens": 64,
        },
    )
    run = labelling.request(project=project, labeler=labeler)
    while piece := runs.claim(run.pk):
        assert runs.work(piece, labelling.judge_slice)
    run.refresh_from_db()
    assert (run.state, run.done, run.failed) == ("finished", 2, 0), run.errors
    assert run.prompt_tokens > 0
    assert 0 < run.completion_tokens <= 6 * 64
    for annotation in project.annotations.all():
        check(annotation)


def check(annotation: Annotation) -> None:
    """Compare the marks that were kept with the votes that the model gave."""
    votes = annotation.evidence["votes"]
    assert sum(votes.values()) + annotation.evidence["dropped"] == 3
    first_error = annotation.evidence["first_error"]
    assert votes[str(first_error)] == max(votes.values())
    expected = [1, 1] if first_error == -1 else [1] * first_error + [-1]
    labels = annotation.labels.order_by("step__position")
    assert list(labels.values_list("rating", flat=True)) == expected
    assert len(annotation.evidence["texts"]) == 3

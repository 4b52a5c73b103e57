"""A process reward model marks a project's solutions, from the command to the rows."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotation.models import Project, Run
from labelers.judges.prm import PrmJudge
from labelers.models import Labeler
from labelers.trace import Judgement, Trace
from tests.factories import make_problem, make_project, make_solution
from tests.labelers.judges.tiny_prm import write_token_head

pytestmark = pytest.mark.django_db
STEPS = ["5 + 7 = 12", "So she has 12.", "12"]
LONG_STEPS = [f"{number} + 7 = {number + 7}, and so on." for number in range(40)]


@pytest.fixture
def project() -> Project:
    project = make_project("school")
    problem = make_problem(project, "Anna has 5 apples and buys 7.", reference_answer="12")
    make_solution(problem, STEPS, final_answer="12", is_correct=True)
    make_solution(problem, LONG_STEPS, final_answer="12", is_correct=True)
    return project


def said(*line: str) -> str:
    output = StringIO()
    call_command(*line, stdout=output, stderr=output)
    return output.getvalue()


def mark(config: dict[str, Any]) -> None:
    said("register_labeler", "critic", "--judge", "prm", "--config", json.dumps(config))
    assert "2 done, 0 failed" in said(
        "label", "--project", "school", "--labeler", "critic", "--wait"
    )


def said_by_the_model(config: dict[str, Any], steps: list[str]) -> Judgement:
    trace = Trace(
        problem="Anna has 5 apples and buys 7.",
        reference_answer=None,
        steps=tuple(steps),
        final_answer=None,
    )
    [judgement] = PrmJudge(**config).judge([trace])
    assert isinstance(judgement, Judgement)
    return judgement


def test_probabilities_score_and_evidence_are_kept(project: Project, tmp_path: Path) -> None:
    config = {
        "form": "token_head",
        "model": str(write_token_head(tmp_path, classes=3)),
        "negative_above": 1,
        "positive_from": 0,
    }
    mark(config)
    short, long = project.annotations.order_by("solution")
    expected = said_by_the_model(config, STEPS)
    labels = list(short.labels.order_by("step__position"))
    assert [label.rating for label in labels] == [1, 1, 1]
    for label, step in zip(labels, expected.steps, strict=True):
        assert step.probabilities is not None
        in_order = [step.probabilities[name] for name in ("-1", "0", "1")]
        assert label.probabilities == pytest.approx(in_order, abs=1e-5)
        assert label.score == pytest.approx(step.score, abs=1e-5)
    assert short.score == pytest.approx(expected.score, abs=1e-5)
    assert short.evidence == expected.evidence
    assert short.finish_reason == "solution"
    # The longer one is marked as far as the model reads it.
    assert long.evidence["cut_off"]
    assert long.labels.count() == long.evidence["steps_read"] < len(LONG_STEPS)
    assert (long.score, long.finish_reason) == (None, "")


def test_what_follows_the_first_error_is_evidence_and_no_mark(
    project: Project, tmp_path: Path
) -> None:
    folder = write_token_head(tmp_path, classes=3, probabilities=[0.7, 0.1, 0.2])
    mark({"form": "token_head", "model": str(folder), "aggregation": "min"})
    short = project.annotations.earliest("solution_id")
    assert [label.rating for label in short.labels.all()] == [-1]
    assert short.finish_reason == "found_error"
    assert short.score == pytest.approx(0.3)
    later = short.evidence["probabilities_after_error"]
    assert later == [pytest.approx({"-1": 0.7, "0": 0.1, "1": 0.2})] * 2


def test_its_run_waits_for_the_worker_that_holds_the_model(
    project: Project, tmp_path: Path
) -> None:
    config = {"form": "token_head", "model": str(tmp_path)}
    said("register_labeler", "critic", "--judge", "prm", "--config", json.dumps(config))
    said("label", "--project", "school", "--labeler", "critic")
    assert Run.objects.get().queue == "local"


def test_a_model_that_is_not_there_stops_the_run_and_says_so(
    project: Project, tmp_path: Path
) -> None:
    config = {"form": "token_head", "model": str(tmp_path / "nowhere")}
    said("register_labeler", "critic", "--judge", "prm", "--config", json.dumps(config))
    with pytest.raises(CommandError, match="nowhere' does not load"):
        said("label", "--project", "school", "--labeler", "critic", "--wait")
    assert Run.objects.get().state == Run.State.FAILED


def test_its_own_name_is_not_enough_to_register_it(project: Project) -> None:
    with pytest.raises(CommandError, match=r"'form' is a required property.*register_labeler"):
        said("label", "--project", "school", "--labeler", "prm", "--wait")
    assert not Labeler.objects.exists()

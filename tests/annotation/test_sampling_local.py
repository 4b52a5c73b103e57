"""Drawing with a model in this process: a broken-off run gives the texts of a whole one."""

import pytest

from annotation import drawing, runs, sampling
from annotation.models import Project, RunSlice
from annotation.sampling import SamplingRequest
from labelers.engines.base import Decoding
from tests.factories import make_problem, make_project

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("smollm2")]

WANTED = SamplingRequest(
    engine="local",
    engine_config={"model": "smollm2", "chat": False, "batch_size": 4},
    prompt="few_shot_cot",
    decoding=Decoding(temperature=0.8, top_p=0.95, max_tokens=12),
    solutions_a_problem=3,
)


def asked() -> Project:
    project = make_project()
    for text in ("What is 2 + 3?", "Ann has 4 pens. Bo has 5 more. How many has Bo?", "6 * 7 = ?"):
        make_problem(project, text)
    return project


def finish(project: Project) -> None:
    run = sampling.request(project=project, wanted=WANTED)
    while piece := runs.claim(run.pk):
        assert runs.work(piece, drawing.draw_slice)


def texts(project: Project) -> list[tuple[str, str, int]]:
    kept = project.solutions.order_by("problem__text", "text")
    return list(kept.values_list("problem__text", "text", "times_drawn"))


def test_a_resumed_run_and_a_whole_run_give_the_same_texts() -> None:
    whole, broken_off = asked(), asked()
    finish(whole)
    run = sampling.request(project=broken_off, wanted=WANTED)
    first, second = runs.claim(run.pk), runs.claim(run.pk)
    assert first is not None
    assert second is not None
    drawing.draw_slice(second)
    assert runs.work(first, drawing.draw_slice)
    RunSlice.objects.filter(pk=second.pk).update(lease_until="2020-01-01T00:00Z")
    finish(broken_off)
    assert texts(broken_off) == texts(whole)
    assert sum(count for _, _, count in texts(whole)) == 9

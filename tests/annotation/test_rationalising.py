"""Drawing solutions with the reference answer in view, as STaR does for what a model fails at."""

import pytest

from annotation import drawing, runs, sampling
from annotation.candidate_drawing import drawing_of
from annotation.labelling import traces_of
from annotation.models import Problem, Project, Run
from annotation.sampling import SamplingRequest
from labelers.engines.base import Decoding
from labelers.judges.rollouts import RolloutsJudge
from tests.factories import make_problem, make_project, make_solution

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    project = make_project()
    make_problem(project, "A box has 3 pens and 4 more. How many?", reference_answer="7")
    make_problem(project, "What do you think?", reference_answer=None)
    make_problem(project, "Nothing is known of this.", reference_answer="")
    return project


def asked(**fields: object) -> SamplingRequest:
    defaults = {"engine": "scripted", "prompt": "rationalise", "solutions_a_problem": 2}
    return SamplingRequest(**{**defaults, **fields})  # type: ignore[arg-type]


def draw_all(project: Project, wanted: SamplingRequest) -> Run:
    run = sampling.request(project=project, wanted=wanted)
    while piece := runs.claim(run.pk):
        assert runs.work(piece, drawing.draw_slice)
    run.refresh_from_db()
    return run


def drawn_of(project: Project) -> list[str]:
    drawn = project.solutions.order_by("problem__text").distinct()
    return list(drawn.values_list("problem__text", flat=True).distinct())


def test_only_problems_with_a_reference_answer_are_drawn(project: Project) -> None:
    assert draw_all(project, asked()).done == 2
    assert drawn_of(project) == ["A box has 3 pens and 4 more. How many?"]


def test_the_engine_is_shown_the_answer_and_the_stored_prompt_keeps_it_apart(
    project: Project,
) -> None:
    problem = project.problems.get(reference_answer="7")
    writer = drawing.Writer.of(sampling.request(project=project, wanted=asked()))
    shown = writer.draw(problem, 0).prompt
    assert shown.endswith("How many?\nAnswer to reach: 7\nSolution:\n")
    draw_all(project, asked())
    for solution in project.solutions.all():
        assert solution.prompt_text.endswith("How many?\nAnswer to reach: {answer}\nSolution:\n")
        assert solution.prompt_text.replace("{answer}", "7") == shown
        assert solution.metadata == {"hint": "7"}


def test_a_prompt_that_an_engine_changed_is_kept_as_it_was_asked(project: Project) -> None:
    problem = project.problems.get(reference_answer="7")
    writer = drawing.Writer.of(sampling.request(project=project, wanted=asked()))
    kept = writer._without_hint("[INST] changed: 7 [/INST]", problem)
    assert kept.endswith("Answer to reach: {answer}\nSolution:\n")


def test_what_the_model_is_shown_is_the_answer_and_never_the_solution(project: Project) -> None:
    Problem.objects.update(reference_solution="First 3, then 4.")
    writer = drawing.Writer.of(sampling.request(project=project, wanted=asked()))
    problem = project.problems.get(reference_answer="7")
    assert "First 3" not in writer.draw(problem, 0).prompt


def test_other_prompts_keep_no_hint(project: Project) -> None:
    draw_all(project, asked(prompt="zero_shot_cot"))
    assert set(map(str, project.solutions.values_list("metadata", flat=True))) == {"{}"}


def test_a_project_without_reference_answers_is_refused(project: Project) -> None:
    project.problems.exclude(reference_answer=None).exclude(reference_answer="").delete()
    with pytest.raises(ValueError, match="rationalise shows the reference answer"):
        sampling.request(project=project, wanted=asked())
    assert not Run.objects.exists()


def test_only_unsolved_leaves_out_problems_with_a_right_solution(project: Project) -> None:
    failed = make_problem(project, "What is 2 + 2?", reference_answer="4")
    make_solution(failed, is_correct=False)
    make_solution(project.problems.get(reference_answer="7"), is_correct=True)
    make_solution(project.problems.get(reference_answer="7"), ["Hm."], is_correct=False)
    run = draw_all(project, asked(only_unsolved=True))
    assert run.done == 2
    assert list(run.solutions.values_list("problem", flat=True).distinct()) == [failed.pk]


def test_without_it_the_same_run_draws_the_rest(project: Project) -> None:
    make_solution(project.problems.get(reference_answer="7"), is_correct=True)
    first = draw_all(project, asked(only_unsolved=True))
    second = draw_all(project, asked())
    assert (first.total, first.state) == (0, "finished")
    assert (second.pk, second.done) == (first.pk, 2)


def test_a_request_that_was_stored_before_there_was_a_choice_is_the_same(project: Project) -> None:
    value = asked().as_json()
    del value["only_unsolved"]
    assert SamplingRequest.from_json(value) == asked()
    assert "only_unsolved" not in asked(only_unsolved=True).identity()


def test_answers_that_were_told_are_no_vote_for_an_answer(project: Project) -> None:
    problem = project.problems.get(reference_answer="7")
    make_solution(problem, final_answer="8")
    make_solution(problem, ["Told."], final_answer="7", prompt_name="rationalise")
    judged = make_solution(problem, ["Mine."], final_answer="9")
    (trace,) = traces_of([judged])
    assert trace.answer_counts == {"8": 1}


def test_who_is_to_find_the_answer_is_not_shown_it() -> None:
    with pytest.raises(ValueError, match="rationalise shows the reference answer"):
        RolloutsJudge(engine="scripted", prompt="rationalise")
    with pytest.raises(ValueError, match="rationalise shows the reference answer"):
        drawing_of({"engine": "scripted", "prompt": "rationalise"})
    assert drawing_of({"engine": "scripted"}).decoding == Decoding()

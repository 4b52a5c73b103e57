"""Drawing solutions: requests, resuming, counting, and what is kept of each draw."""

from pathlib import Path

import pytest

from annotation import drawing, runs, sampling
from annotation.models import Problem, Project, Run, RunSlice, Solution
from annotation.sampling import SamplingRequest
from labelers.engines.base import Decoding
from tests.factories import make_problem, make_project, make_solution
from web.registry import UnknownName

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    project = make_project()
    for number in range(5):
        make_problem(project, f"A box has {number + 3} pens and {number} more. How many?")
    return project


def asked(**fields: object) -> SamplingRequest:
    return SamplingRequest(**{"engine": "scripted", "solutions_a_problem": 3, **fields})  # type: ignore[arg-type]


def draw_all(project: Project, wanted: SamplingRequest) -> Run:
    run = sampling.request(project=project, wanted=wanted)
    while piece := runs.claim(run.pk):
        assert runs.work(piece, drawing.draw_slice)
    run.refresh_from_db()
    return run


def texts(project: Project) -> list[tuple[str, str, int]]:
    kept = project.solutions.order_by("problem__text", "text")
    return list(kept.values_list("problem__text", "text", "times_drawn"))


def test_every_problem_gets_as_many_solutions_as_asked(project: Project) -> None:
    run = draw_all(project, asked())
    assert (run.state, run.total, run.done, run.failed) == ("finished", 15, 15, 0)
    for problem in project.problems.all():
        assert sum(problem.solutions.values_list("times_drawn", flat=True)) == 3


def test_the_same_request_again_adds_nothing(project: Project) -> None:
    first = draw_all(project, asked())
    before = texts(project)
    second = draw_all(project, asked())
    assert second.pk == first.pk
    assert (second.state, second.done, second.completion_tokens) == (
        "finished",
        15,
        first.completion_tokens,
    )
    assert texts(project) == before


def test_a_larger_number_draws_only_what_is_missing(project: Project) -> None:
    draw_all(project, asked(solutions_a_problem=2))
    run = draw_all(project, asked(solutions_a_problem=5))
    whole = make_project()
    for problem in project.problems.order_by("id"):
        make_problem(whole, problem.text)
    draw_all(whole, asked(solutions_a_problem=5))
    assert run.done == 25
    assert texts(project) == texts(whole)


def test_a_problem_that_came_later_is_drawn_by_the_same_request(project: Project) -> None:
    draw_all(project, asked())
    late = make_problem(project, "A late problem with 4 cats and 5 dogs.")
    assert draw_all(project, asked()).done == 18
    assert sum(late.solutions.values_list("times_drawn", flat=True)) == 3


def test_equal_texts_by_the_same_writer_are_kept_once_with_a_count(project: Project) -> None:
    config = {"texts": ["3 + 4 = 7\nThe answer is 7."]}
    draw_all(project, asked(engine_config=config, solutions_a_problem=20))
    assert project.solutions.count() == 5
    assert set(project.solutions.values_list("times_drawn", flat=True)) == {20}
    assert all(solution.steps.count() == 2 for solution in project.solutions.all())


def test_equal_texts_by_different_writers_stay_apart(project: Project) -> None:
    config = {"texts": ["The answer is 7."]}
    draw_all(project, asked(engine_config=config))
    draw_all(project, asked(engine_config={**config, "model": "another"}))
    draw_all(project, asked(engine_config=config, decoding=Decoding(temperature=0.1)))
    draw_all(project, asked(engine_config=config, prompt="few_shot_cot"))
    assert project.solutions.count() == 4 * 5


def test_a_slice_that_was_broken_off_is_drawn_again_and_counted_once(project: Project) -> None:
    run = sampling.request(project=project, wanted=asked())
    lost = runs.claim(run.pk)
    assert lost is not None
    write_of_the_lost = drawing.draw_slice(lost)
    RunSlice.objects.filter(pk=lost.pk).update(lease_until="2020-01-01T00:00Z")
    draw_all(project, asked())
    before = texts(project)
    assert not runs.finish(lost, write_of_the_lost, work_ms=1)
    run.refresh_from_db()
    assert (run.done, texts(project)) == (15, before)


def test_draws_that_a_busy_server_refused_are_drawn_after_a_wait(project: Project) -> None:
    run = draw_all(project, asked(engine_config={"fail_every": 3}))
    assert (run.done, run.failed, run.left, run.total) == (10, 0, 5, 15)
    run.slices.update(not_before=None)
    run = draw_all(project, asked())
    assert (run.done, run.failed, run.total) == (15, 0, 15)


def test_a_text_without_a_step_is_a_failure_that_is_not_drawn_again(project: Project) -> None:
    run = draw_all(project, asked(engine_config={"texts": ["  \n "]}))
    assert (run.done, run.failed) == (0, 15)
    assert run.errors == {"the model wrote no step": 15}
    assert draw_all(project, asked(engine_config={"texts": ["  \n "]})).total == 15


def test_what_a_solution_came_from_is_kept_with_it(project: Project) -> None:
    run = draw_all(project, asked(decoding=Decoding(temperature=0.4, top_p=0.9, max_tokens=40)))
    solution = project.solutions.select_related("problem").earliest("id")
    assert solution.run == run
    assert (solution.engine, solution.model) == ("scripted", "scripted")
    assert solution.problem.text in solution.prompt_text
    assert solution.parameters["temperature"] == 0.4
    assert solution.parameters["max_tokens"] == 40
    assert solution.seed in {
        drawing.seed_of(run.request_key, 0, solution.problem, index) for index in range(3)
    }
    assert solution.completion_tokens
    assert solution.prompt_tokens
    assert solution.splitter == "newline"
    for step in solution.steps.all():
        assert solution.text[step.start : step.end] == step.text


def test_solutions_are_graded_against_the_reference_answer(project: Project) -> None:
    Problem.objects.update(reference_answer="1,007.0")
    draw_all(project, asked(engine_config={"texts": ["So 1000 + 7.\nThe answer is 1007."]}))
    assert set(project.solutions.values_list("final_answer", "is_correct")) == {("1007", True)}


def test_a_problem_without_reference_answer_leaves_the_grade_open(project: Project) -> None:
    Problem.objects.update(reference_answer=None)
    draw_all(project, asked())
    assert set(project.solutions.values_list("is_correct", flat=True)) == {None}


def test_it_continues_from_a_prefix_of_steps(project: Project) -> None:
    problem = project.problems.earliest("id")
    begun = make_solution(problem, ["We start with 3.", "Then 3 + 4 = 7.", "The answer is 8."])
    draw_all(project, asked(continue_solution=begun.pk, continue_steps=2))
    continued = project.solutions.exclude(pk=begun.pk)
    assert continued.exists()
    for solution in continued:
        assert solution.problem == problem
        assert solution.text.startswith("We start with 3.\nThen 3 + 4 = 7.\n")
        assert solution.steps.count() > 2


def test_a_prefix_that_is_not_there_is_refused(project: Project) -> None:
    begun = make_solution(project.problems.earliest("id"))
    elsewhere = make_solution(make_problem(make_project()))
    with pytest.raises(ValueError, match=f"solution {begun.pk} has 2 steps, not 7"):
        sampling.request(
            project=project, wanted=asked(continue_solution=begun.pk, continue_steps=7)
        )
    with pytest.raises(ValueError, match=f"has no solution {elsewhere.pk}"):
        sampling.request(project=project, wanted=asked(continue_solution=elsewhere.pk))
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"solutions_a_problem": 0},
        {"continue_steps": -1},
        {"engine_config": {"batch_size": 0}},
    ],
)
def test_a_number_out_of_range_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"not (0|-1)"):
        asked(**wrong)


@pytest.mark.parametrize(
    ("field", "known"),
    [("engine", "scripted"), ("prompt", "few_shot_cot"), ("splitter", "newline")],
)
def test_an_unknown_name_lists_the_known_ones(project: Project, field: str, known: str) -> None:
    with pytest.raises(UnknownName, match=known):
        sampling.request(project=project, wanted=asked(**{field: "nonsense"}))
    assert not Run.objects.exists()


def test_a_wrong_or_missing_engine_setting_is_refused_by_its_name(project: Project) -> None:
    with pytest.raises(ValueError, match="colour"):
        sampling.request(project=project, wanted=asked(engine_config={"colour": "red"}))
    with pytest.raises(ValueError, match=r"the engine 'openai': .*base_url"):
        sampling.request(
            project=project, wanted=asked(engine="openai", engine_config={"model": "m"})
        )
    assert not Run.objects.exists()


def test_a_model_that_does_not_load_stops_the_run_and_says_why(
    project: Project, tmp_path: Path
) -> None:
    wanted = asked(engine="local", engine_config={"model": str(tmp_path / "missing.gguf")})
    run = sampling.request(project=project, wanted=wanted)
    piece = runs.claim(run.pk)
    assert piece is not None
    assert not runs.work(piece, drawing.draw_slice)
    run.refresh_from_db()
    assert run.state == "failed"
    assert "missing.gguf" in run.error
    assert not Solution.objects.exists()


def test_with_and_without_chat_template_are_two_writers(project: Project) -> None:
    plain, chat = asked(engine_config={"chat": False}), asked(engine_config={"chat": True})
    assert plain.identity() != chat.identity()

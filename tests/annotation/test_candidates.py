"""Candidates for the next step: from what was written before, and drawn while a labeler waits."""

from datetime import timedelta
from itertools import islice
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from annotation import drafts, ending, routing, run_kinds, runs
from annotation.candidate_drawing import BOUNDARIES, drawing_of, first_step
from annotation.candidate_lists import KEY, forget_other_paths, list_after
from annotation.candidates import SLOW, ask_again, go_on
from annotation.drafts import Choice, Draft
from annotation.finished import Unfinished
from annotation.models import Lease, Project, Run, RunSlice, Solution, Step
from annotation.steps import SPLITTERS
from datasets_app.importers import read_records
from datasets_app.loading import load_solutions
from datasets_app.records import SolutionRecord
from labelers.answers import extract
from labelers.engines.base import Completion
from labelers.engines.scripted import ScriptedEngine
from tests.annotation.exploring import (
    DRAWING,
    candidates_run,
    claim,
    draft_of,
    draw,
    keep,
    look,
    make_exploring,
    rating_by,
    someone,
    step_on,
    take_slice,
    texts,
)
from tests.datasets_app.loaded import refuse
from tests.factories import make_lease, make_problem, make_solution, make_step
from tests.shared_data import shared_file

pytestmark = pytest.mark.django_db

FOUR = (["a", "a1"], ["b", "b1"], ["c", "c1"], ["d", "d1"])


def completion(text: str, finish_reason: Any = "stop") -> Completion:
    return Completion(
        text=text,
        prompt_text="",
        prompt_tokens=0,
        completion_tokens=0,
        finish_reason=finish_reason,
    )


def scripted(*lines: str, **config: Any) -> dict[str, Any]:
    return {**DRAWING, "engine_config": {"texts": list(lines), **config}}


# --- Written before ---------------------------------------------------------------------------


def test_the_first_candidates_are_the_distinct_first_steps_of_other_solutions() -> None:
    problem = make_exploring(["a", "a1"], ["b", "b1"], ["a", "a2"])
    make_solution(make_problem(problem.project), ["another problem's step"])
    shown = look(claim(problem.project))
    assert sorted(texts(shown)) == ["a", "b"]
    assert shown.position == 0
    assert {step.writer for step in shown.steps} == {"model"}
    assert (shown.is_waiting, shown.is_short, shown.error) == (False, True, "")


def test_the_next_ones_come_only_from_solutions_that_begin_with_the_same_steps() -> None:
    problem = make_exploring(
        ["a", "x", "right"],
        ["a", "x", "right too"],
        ["a", "y", "wrong"],
        ["b", "x", "wrong"],
        ["x", "a", "wrong"],
        ["a", "x"],
        ["a", "X", "wrong"],
    )
    lease = claim(problem.project)
    step_on(lease, lambda step: 1 if step.text == "a" else 0)
    step_on(lease, lambda step: 1 if step.text == "x" else -1)
    assert sorted(texts(look(lease))) == ["right", "right too"]


def test_no_more_are_shown_than_the_project_wants() -> None:
    problem = make_exploring(*FOUR, candidates=3)
    shown = look(claim(problem.project))
    assert len(shown.steps) == 3
    assert not shown.is_short


def test_looking_again_shows_the_same_ones_in_the_same_order() -> None:
    lease = claim(make_exploring(*FOUR).project)
    first = [step.pk for step in look(lease).steps]
    assert [step.pk for step in look(lease).steps] == first
    assert Step.objects.filter(solution=lease.solution).count() == 4


def test_their_order_tells_nothing_of_where_they_came_from() -> None:
    problem = make_exploring(*FOUR, overlap=12)
    orders = {tuple(texts(look(claim(problem.project)))) for _ in range(12)}
    assert len(orders) > 3


def test_the_answer_line_of_a_solution_that_ends_is_its_last_candidate() -> None:
    problem = make_exploring(["9 * 2 = 18"], ["9 * 2 = 18", "So it is 18."])
    problem.solutions.filter(text="9 * 2 = 18").update(text="9 * 2 = 18\nA: 18")
    other = make_solution(problem, ["9 * 2 = 18"], model="other")
    Solution.objects.filter(pk=other.pk).update(text="9 * 2 = 18\n</think>")
    lease = claim(problem.project)
    step_on(lease)
    assert sorted(texts(look(lease))) == ["A: 18", "So it is 18."]


def test_other_labelers_candidates_serve_but_not_the_steps_that_they_wrote() -> None:
    problem = make_exploring(overlap=2, drawing=scripted("drawn"), candidates=1)
    first = claim(problem.project)
    look(first)
    draw()
    written = Choice(human="I write this.")
    step_on(first, lambda step: 0, written)
    second = claim(problem.project)
    shown = look(second)
    assert texts(shown) == ["drawn"]
    assert shown.steps[0].solution_id == second.solution_id


def test_candidates_of_imported_solutions_count_where_their_path_is_the_same() -> None:
    problem = make_exploring(["a", "bad"])
    imported = problem.solutions.get()
    make_step(imported, 1, "better", alternative=1)
    make_step(imported, 1, "a person wrote this", alternative=2, writer="human")
    lease = claim(problem.project)
    step_on(lease)
    assert sorted(texts(look(lease))) == ["bad", "better"]


def test_nothing_is_found_once_the_path_states_its_answer() -> None:
    lease = claim(make_exploring(["The answer is 18.", "And more."]).project)
    step_on(lease)
    shown = look(lease)
    assert (shown.final_answer, shown.steps, shown.position) == ("18", (), 1)
    with pytest.raises(Unfinished, match="has ended"):
        step_on(lease)


def test_a_lease_that_has_ended_finds_nothing_new() -> None:
    lease = claim(make_exploring(*FOUR, drawing=DRAWING, candidates=9).project)
    ending.release(lease)
    assert look(lease).steps == ()
    assert not Step.objects.filter(solution=lease.solution).exists()
    assert not ask_again(Lease.objects.get(pk=lease.pk), 0)
    assert not Run.objects.filter(kind=Run.Kind.CANDIDATES).exists()


def test_a_labeler_who_goes_back_finds_each_path_as_it_was() -> None:
    lease = claim(make_exploring(["a", "a1"], ["b", "b1"]).project)
    a, b = sorted(look(lease).steps, key=lambda step: step.text)
    step_on(lease, choice=Choice(chosen=a.pk))
    assert texts(look(lease)) == ["a1"]
    keep(lease, Draft(marks=draft_of(lease).marks))
    step_on(lease, choice=Choice(chosen=b.pk))
    assert texts(look(lease)) == ["b1"]
    keep(lease, Draft(marks=draft_of(lease).marks, choices=(Choice(chosen=a.pk),)))
    assert texts(look(lease)) == ["a1"]


def test_every_real_gsm8k_solution_can_be_walked_to_its_answer() -> None:
    entries = islice(read_records(shared_file("gsm8k_model_solutions.jsonl"), SolutionRecord), 20)
    load_solutions(project_slug="gsm8k", entries=entries, report=refuse)
    Project.objects.update(mode="explore", candidates=20, overlap=4)
    project = Project.objects.get()
    routing.route(project=project)
    slots = project.assignments.order_by("solution__problem", "pk")
    written = project.solutions.written().order_by("problem", "pk")
    for slot, solution in zip(slots, written, strict=True):
        lease = make_lease(slot, someone())
        for step in solution.steps.order_by("position"):
            [chosen] = [shown for shown in look(lease).steps if shown.text == step.text]
            step_on(lease, choice=Choice(chosen=chosen.pk))
        stated = {extract(text) for text in texts(look(lease))}
        assert solution.final_answer in {None, *stated}


# --- Drawn while a labeler waits --------------------------------------------------------------


def test_what_is_missing_is_drawn_and_added_after_what_is_there() -> None:
    problem = make_exploring(["x"], ["y"], drawing=scripted("a\na1"), candidates=8)
    lease = claim(problem.project)
    shown = look(lease)
    before = texts(shown)
    assert (len(before), shown.is_waiting, shown.error) == (2, True, "")
    assert draw()
    shown = look(lease)
    assert texts(shown) == [*before, "a"]
    assert (shown.is_waiting, shown.is_short, shown.error) == (False, True, "")
    assert candidates_run().done == 1


def test_one_run_of_a_project_draws_for_everybody() -> None:
    problem = make_exploring(overlap=2, drawing=scripted("b"), candidates=1)
    for _ in range(2):
        look(claim(problem.project))
    run = candidates_run()
    assert (run.slices.count(), run.queue, run.subject) == (2, "stepmark", "scripted")
    Run.objects.all().delete()
    make_exploring(drawing={"engine": "local", "engine_config": {"model": "smollm2"}})
    look(claim(Project.objects.latest("pk")))
    assert candidates_run().queue == "local"


def test_continuations_begin_after_the_steps_of_the_path() -> None:
    script = "We start.\nThen we go on.\nThe answer is 18."
    lease = claim(make_exploring(drawing=scripted(script), candidates=1).project)
    for step in script.split("\n"):
        look(lease)
        draw()
        assert texts(look(lease)) == [step]
        step_on(lease)
    assert look(lease).final_answer == "18"


def test_nothing_is_asked_while_enough_was_written_before() -> None:
    look(claim(make_exploring(*FOUR, drawing=DRAWING).project))
    assert not Run.objects.filter(kind=Run.Kind.CANDIDATES).exists()


FAILED = "The engine failed. A manager can see why on the project’s page, under Runs."
UNFIT = "The engine that this project draws with is not set up rightly. Tell a manager."


def test_a_failing_engine_tells_the_managers_why_and_can_be_asked_again() -> None:
    drawing = scripted("b", fail_every=1)
    lease = claim(make_exploring(["a"], drawing=drawing, candidates=2).project)
    look(lease)
    draw()
    shown = look(lease)
    assert (texts(shown), shown.is_waiting, shown.is_short) == (["a"], False, True)
    assert shown.error == FAILED
    assert candidates_run().failed == 1
    [reason] = candidates_run().errors
    assert reason.startswith("scripted failure")

    Project.objects.update(drawing=scripted("b"))
    assert ask_again(Lease.objects.get(pk=lease.pk), 0)
    assert look(lease).is_waiting
    draw()
    shown = look(lease)
    assert (texts(shown), shown.error) == (["a", "b"], "")


def test_asking_again_while_it_is_being_drawn_asks_for_nothing_more() -> None:
    lease = claim(make_exploring(drawing=DRAWING).project)
    look(lease)
    ask_again(lease, 0)
    assert candidates_run().slices.count() == 1


def test_asking_again_also_finds_what_was_written_since() -> None:
    problem = make_exploring(["a"])
    lease = claim(problem.project)
    look(lease)
    make_solution(problem, ["b"])
    assert texts(look(lease)) == ["a"]
    assert ask_again(lease, 0)
    assert sorted(texts(look(lease))) == ["a", "b"]


def test_a_model_that_writes_nothing_new_is_said_to() -> None:
    drawing = scripted("a\nb")
    lease = claim(make_exploring(["a"], drawing=drawing, candidates=2).project)
    look(lease)
    draw()
    assert look(lease).error == "Nothing more was found."
    first = take_seeds(lease)
    ask_again(lease, 0)
    assert take_seeds(lease) != first


def take_seeds(lease: Lease) -> int:
    listed = list_after(Solution.objects.get(pk=lease.solution_id), [])
    assert listed is not None
    return listed.times_asked


@pytest.mark.parametrize(
    ("drawing", "said"),
    [
        ({"engine": "oracle"}, "no engine is named 'oracle'"),
        ({"prompt": "zero_shot_cot"}, "engine"),
        ({"engine": "scripted", "engine_config": {"texts": [], "no": 1}}, "unexpected keyword"),
        ({"engine": "scripted", "splitter": "chapters"}, "no splitter is named"),
        ({"engine": "scripted", "decoding": {"temperature": -1}}, "temperature"),
    ],
)
def test_a_drawing_that_cannot_be_done_is_logged_and_loses_nothing(
    drawing: dict[str, Any], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    shown = look(claim(make_exploring(["a"], drawing=drawing).project))
    assert texts(shown) == ["a"]
    assert shown.error == UNFIT
    assert said in caplog.text
    assert not shown.is_waiting


def test_an_engine_that_does_not_start_stops_the_run_and_asking_again_resumes_it() -> None:
    broken = {"engine": "openai", "engine_config": {"model": "m", "base_url": "ftp://x"}}
    lease = claim(make_exploring(drawing=broken, candidates=1).project)
    look(lease)
    assert not draw()
    assert look(lease).error == FAILED
    assert "does not start" in candidates_run().error
    Project.objects.update(drawing=scripted("b"))
    ask_again(Lease.objects.get(pk=lease.pk), 0)
    assert look(lease).is_waiting
    draw()
    assert texts(look(lease)) == ["b"]
    assert candidates_run().slices.count() == 1


def test_a_cancelled_run_is_said() -> None:
    lease = claim(make_exploring(drawing=DRAWING).project)
    look(lease)
    candidates_run().cancel()
    shown = look(lease)
    assert (shown.is_waiting, shown.error) == (False, "The drawing was cancelled.")


def test_a_slow_engine_is_said_to_take_long_and_is_still_waited_for() -> None:
    lease = claim(make_exploring(drawing=scripted("b"), candidates=1).project)
    look(lease)
    solution = Solution.objects.get(pk=lease.solution_id)
    [kept] = solution.metadata[KEY].values()
    kept["asked_at"] = (timezone.now() - SLOW - timedelta(seconds=1)).isoformat()
    solution.save()
    shown = look(lease)
    assert (shown.is_waiting, shown.error) == (True, "The engine takes long.")
    draw()
    assert look(lease).error == ""


def test_no_mark_is_lost_while_candidates_are_drawn() -> None:
    lease = claim(make_exploring(["a"], drawing=scripted("b"), candidates=2).project)
    keep(lease, rating_by(lease, lambda step: -1))
    marks = draft_of(lease).marks
    draw()
    assert draft_of(lease).marks == marks
    assert texts(look(lease)) == ["a", "b"]


# --- Late, lost and repeated ------------------------------------------------------------------


def test_what_is_drawn_for_a_position_that_was_passed_is_not_written() -> None:
    lease = claim(make_exploring(["a", "a1"], drawing=scripted("b"), candidates=2).project)
    look(lease)
    piece = take_slice()
    write = run_kinds.slice_work(piece.run)(piece)
    step_on(lease)
    assert runs.finish(piece, write, work_ms=0)
    assert not Step.objects.filter(solution=lease.solution, text="b").exists()
    assert candidates_run().done == 1


def test_a_position_is_not_finished_over_a_candidate_that_came_since() -> None:
    lease = claim(make_exploring(["a"], drawing=scripted("b"), candidates=2).project)
    draft = rating_by(lease, lambda step: 1)
    draw()
    with pytest.raises(Unfinished, match="every step"):
        go_on(lease, draft, Choice(), based_on=0, key=uuid4())
    assert draft_of(lease) == Draft()


def test_nor_over_one_that_comes_in_the_midst_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    lease = claim(make_exploring(["a"], drawing=scripted("b"), candidates=2).project)
    draft = rating_by(lease, lambda step: 1)
    save = drafts.save

    def save_late(*args: Any, **kwargs: Any) -> Lease:
        draw()
        return save(*args, **kwargs)

    monkeypatch.setattr(drafts, "save", save_late)
    with pytest.raises(Unfinished, match="every step"):
        go_on(lease, draft, Choice(), based_on=0, key=uuid4())
    assert draft_of(lease) == Draft()


@pytest.mark.parametrize("at_once", [True, False])
def test_what_is_drawn_for_a_lease_that_ended_is_not_written(at_once: bool) -> None:
    lease = claim(make_exploring(drawing=scripted("b"), candidates=1).project)
    look(lease)
    piece = take_slice()
    if at_once:
        ending.release(lease)
    write = run_kinds.slice_work(piece.run)(piece)
    if not at_once:
        ending.release(lease)
    assert runs.finish(piece, write, work_ms=0)
    assert not Step.objects.filter(solution=lease.solution).exists()
    again = claim(lease.project)
    assert again.solution_id == lease.solution_id
    assert look(again).is_waiting
    assert draw()
    assert texts(look(again)) == ["b"]


def test_a_slice_done_by_two_workers_is_written_once() -> None:
    lease = claim(make_exploring(drawing=scripted("b", "c"), candidates=4).project)
    look(lease)
    first = take_slice()
    lost = run_kinds.slice_work(first.run)(first)
    RunSlice.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    second = take_slice()
    assert runs.work(second, run_kinds.slice_work(second.run))
    shown = texts(look(lease))
    assert not runs.finish(first, lost, work_ms=0)
    assert texts(look(lease)) == shown
    run_kinds.slice_work(second.run)(second)()
    assert texts(look(lease)) == shown


# --- Earlier holders --------------------------------------------------------------------------


def test_the_next_holder_of_a_slot_begins_with_the_first_candidates_alone() -> None:
    lease = claim(make_exploring(["a", "a1"], ["b", "b1"]).project)
    step_on(lease)
    look(lease)
    first = Step.objects.filter(solution=lease.solution, position=0)
    kept = list(first.values_list("pk", flat=True))
    ending.release(lease)
    Lease.objects.update(draft={})
    again = claim(lease.project)
    assert sorted(step.pk for step in look(again).steps) == sorted(kept)
    assert Step.objects.filter(solution=lease.solution).count() == 2


def test_what_a_draft_that_may_come_late_speaks_of_is_kept() -> None:
    lease = claim(make_exploring(["a", "a1", "a2"]).project)
    step_on(lease)
    step_on(lease)
    look(lease)
    ending.release(lease)
    again = claim(lease.project)
    assert forget_other_paths(again) == 1
    left = Step.objects.filter(solution=lease.solution).values_list("text", flat=True)
    assert sorted(left) == ["a", "a1"]


# --- One step of a drawn text -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "splitter", "step"),
    [
        ("One.\nTwo.", "newline", "One."),
        ("\n\n# Answer\n\n18", "newline", "# Answer\n\n18"),
        ("A: 18", "newline", "A: 18"),
        ("One,\nstill one.\n\nTwo.", "blank_line", "One,\nstill one."),
        ("Step 2: b\nStep 3: c", "step_number", "Step 2: b"),
        ("First this. Then that.", "sentence", "First this."),
        ("  \n ", "newline", None),
    ],
)
def test_the_first_step_of_a_text_is_taken(text: str, splitter: str, step: str | None) -> None:
    assert first_step(completion(text), splitter) == step


def test_a_step_that_was_cut_off_is_none() -> None:
    assert first_step(completion("One is", "length"), "newline") is None
    assert first_step(completion("One.\nTwo is", "length"), "newline") == "One."


def test_a_text_that_begins_with_an_empty_line_is_drawn_further() -> None:
    script = "There are 18.\n\n# Answer\n\n18"
    drawing = {**scripted(script), "prompt": "prm800k"}
    lease = claim(make_exploring(drawing=drawing, candidates=1).project)
    look(lease)
    draw()
    step_on(lease)
    look(lease)
    draw()
    shown = look(lease)
    assert texts(shown) == ["# Answer\n\n18"]
    step_on(lease)
    assert look(lease).final_answer == "18"


def test_every_splitter_says_where_its_steps_end() -> None:
    assert BOUNDARIES.keys() == SPLITTERS.keys()


def test_a_step_is_drawn_no_further_than_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    stops = []
    generate = ScriptedEngine.generate

    def spy(engine: ScriptedEngine, draws: Any, decoding: Any) -> Any:
        stops.append(decoding.stop)
        return generate(engine, draws, decoding)

    monkeypatch.setattr(ScriptedEngine, "generate", spy)
    look(claim(make_exploring(drawing=scripted("b\nc"), candidates=1).project))
    draw()
    assert stops == [("\nProblem:", "\n")]


def test_a_drawing_needs_only_an_engine() -> None:
    assert drawing_of({"engine": "scripted"}).prompt == "zero_shot_cot"

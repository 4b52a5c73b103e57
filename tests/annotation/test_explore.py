"""Explore mode's rules, and what becomes of a solution that was built by them."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest

from annotation import ending, explore, handing_in, leases
from annotation.candidates import go_on
from annotation.drafts import Choice, Draft, Mark
from annotation.explore import LONGEST_STEP, check_choice
from annotation.finished import Finished, FinishedLabel, FinishedPosition, Unfinished
from annotation.grading import grade
from annotation.handing_in import hand_in
from annotation.models import Annotation, Lease, Project, Solution, Step
from labelers.trace import Rating
from tests.annotation.exploring import (
    claim,
    draft_of,
    keep,
    look,
    make_exploring,
    rating_by,
    someone,
    step_on,
)
from tests.datasets_app.loaded import exported, load_json
from tests.factories import make_solution

THREE = [Step(pk=pk, position=0, text=f"step {pk}") for pk in (1, 2, 3)]


def marks(*ratings: Rating | None) -> dict[int, Mark]:
    """Return marks on `THREE`; None is Unsure."""
    return {
        step.pk: Mark(rating=rating, flagged=rating is None)
        for step, rating in zip(THREE, ratings, strict=False)
    }


def chosen(marks: dict[int, Mark], choice: Choice, *, solution: int = 7) -> Choice:
    return check_choice(Solution(pk=solution), 0, THREE, marks, choice)


# --- Finishing a position ---------------------------------------------------------------------


def test_a_step_marked_great_can_be_chosen() -> None:
    assert chosen(marks(1, 0, 1), Choice(chosen=3)) == Choice(chosen=3)


def test_unsure_is_a_mark() -> None:
    assert chosen(marks(1, None, -1), Choice(chosen=1)) == Choice(chosen=1)


@pytest.mark.parametrize("choice", [Choice(chosen=1), Choice(), Choice(human="Mine.")])
def test_every_step_must_have_a_mark(choice: Choice) -> None:
    for said in (marks(1, 0), {**marks(1, 0), 3: Mark(comment="Hm.")}):
        with pytest.raises(Unfinished, match="Mark every step") as caught:
            chosen(said, choice)
        assert caught.value.field == "marks.3"


@pytest.mark.parametrize("rating", [0, -1, None])
def test_the_solution_never_goes_on_with_a_step_that_is_not_great(rating: Rating | None) -> None:
    with pytest.raises(Unfinished, match="only go on with a step marked Great") as caught:
        chosen(marks(1, rating, 0), Choice(chosen=2))
    assert caught.value.field == "choices.0"


def test_nor_with_a_step_that_was_not_shown() -> None:
    with pytest.raises(Unfinished, match="marked Great"):
        chosen({**marks(1, 0, 0), 9: Mark(rating=1)}, Choice(chosen=9))


def test_one_of_the_great_ones_is_drawn_by_lot_and_always_the_same() -> None:
    drawn = [chosen(marks(1, 0, 1), Choice(), solution=n) for n in range(40)]
    assert {choice.chosen for choice in drawn} == {1, 3}
    assert drawn == [chosen(marks(1, 0, 1), Choice(), solution=n) for n in range(40)]


def test_where_none_is_great_the_labeler_writes_the_step() -> None:
    assert chosen(marks(0, -1, None), Choice(human=" Mine. ")) == Choice(human="Mine.")
    with pytest.raises(Unfinished, match="No step is Great"):
        chosen(marks(0, -1, None), Choice())


def test_where_one_is_great_the_labeler_does_not_write_another() -> None:
    with pytest.raises(Unfinished, match="only where none is Great"):
        chosen(marks(0, 1, 0), Choice(human="Mine."))


def test_a_step_may_be_written_where_there_are_no_candidates() -> None:
    assert check_choice(Solution(pk=7), 0, [], {}, Choice(human="Mine.")) == Choice(human="Mine.")


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (Choice(human=" \n"), "Write the step"),
        (Choice(human="x" * (LONGEST_STEP + 1)), "4000 characters; this one has 4001"),
        (Choice(chosen=1, human="Mine."), "not both"),
    ],
)
def test_a_written_step_is_one_short_text(choice: Choice, said: str) -> None:
    with pytest.raises(Unfinished, match=said):
        chosen(marks(0, 0, 0), choice)


def test_the_longest_step_may_be_written() -> None:
    text = "x" * LONGEST_STEP
    assert chosen(marks(0, 0, 0), Choice(human=text)).human == text


@pytest.mark.parametrize(
    ("texts", "answer"),
    [
        ([], None),
        (["It is 18."], None),
        (["# Answer\n\n18"], "18"),
        (["So.\n\n# Answer\n\n18"], "18"),
        (["#### 18"], "18"),
        (["A: 18"], "18"),
        ([r"Thus \boxed{18}."], "18"),
        (["The answer is 18.", "Or is it?"], None),
    ],
)
def test_a_path_ends_where_its_last_step_states_an_answer(
    texts: Sequence[str], answer: str | None
) -> None:
    assert explore.final_answer(texts) == answer


# --- Finishing the work -----------------------------------------------------------------------

TREE = (
    ["16 - 7 = 9", "9 * 2 = 18", "The answer is 18."],
    ["16 - 7 = 9", "9 + 2 = 11", "The answer is 11."],
    ["16 + 7 = 23", "23 * 2 = 46", "The answer is 46."],
)


def right(step: Step) -> Rating | None:
    return 1 if step.text in TREE[0] else -1


def finish(lease: Lease, draft: Draft | None = None) -> Finished:
    solution = Solution.objects.get(pk=lease.solution_id)
    steps = list(solution.steps.order_by("position", "alternative"))
    return explore.finish(lease.project, solution, steps, draft or draft_of(lease))


def built(lease: Lease, *, choice: Choice | None = None) -> Lease:
    """Follow the right solution of `TREE` to its end."""
    for _ in TREE[0]:
        step_on(lease, right, choice)
    return Lease.objects.get(pk=lease.pk)


@pytest.mark.django_db
def test_a_solution_that_states_its_answer_is_finished() -> None:
    lease = built(claim(make_exploring(*TREE).project))
    finished = finish(lease)
    assert finished.finish_reason == "solution"
    steps = {step.pk: step for step in Step.objects.filter(solution=lease.solution_id)}
    taken = [steps[place.chosen].text for place in finished.positions if place.chosen]
    assert taken == TREE[0]
    said = {steps[label.step].text: label.rating for label in finished.labels}
    wrong = dict.fromkeys(["16 + 7 = 23", "9 + 2 = 11"], -1)
    assert said == {**dict.fromkeys(TREE[0], 1), **wrong}
    for position in (0, 1):
        orders = {
            one.shown_order for one in finished.labels if steps[one.step].position == position
        }
        assert orders == {0, 1}
    assert {label.flagged for label in finished.labels} == {False}


@pytest.mark.django_db
def test_a_solution_without_an_answer_is_not_finished() -> None:
    lease = claim(make_exploring(*TREE).project)
    step_on(lease, right)
    with pytest.raises(Unfinished, match="final answer") as caught:
        finish(lease)
    assert caught.value.field == "choices"


@pytest.mark.django_db
def test_giving_up_keeps_the_marks_of_the_position_that_was_not_finished() -> None:
    lease = claim(make_exploring(*TREE).project)
    step_on(lease, right)
    first, second = look(lease).steps
    draft = draft_of(lease)
    marked = {**draft.marks, first.pk: Mark(rating=0, comment="Hm.")}
    finished = finish(lease, Draft(marks=marked, choices=draft.choices, end="give_up"))
    assert finished.finish_reason == "give_up"
    assert finished.positions[-1] == FinishedPosition(position=1)
    assert finished.labels[-2:] == [
        FinishedLabel(step=first.pk, rating=0, flagged=False, comment="Hm.", shown_order=0),
        FinishedLabel(step=second.pk, rating=None, flagged=False, shown_order=1),
    ]


@pytest.mark.django_db
def test_giving_up_where_nothing_was_shown_lists_nothing() -> None:
    lease = claim(make_exploring().project)
    look(lease)
    finished = finish(lease, Draft(end="give_up"))
    assert finished.positions == [FinishedPosition(position=0, listed=False)]
    assert finished.labels == []


@pytest.mark.django_db
def test_a_bad_problem_needs_a_reason_and_no_marks() -> None:
    lease = claim(make_exploring(*TREE).project)
    look(lease)
    with pytest.raises(Unfinished) as caught:
        finish(lease, Draft(end="bad_problem", reason=" "))
    assert caught.value.field == "reason"
    finished = finish(lease, Draft(end="bad_problem", reason="No figure."))
    assert finished == Finished(finish_reason="bad_problem", positions=[], labels=[])
    marked = rating_by(lease, right).marks
    finished = finish(lease, Draft(marks=marked, end="bad_problem", reason="No figure."))
    assert (len(finished.positions), len(finished.labels)) == (1, 2)


@pytest.mark.django_db
def test_a_mark_on_a_step_of_another_solution_is_refused() -> None:
    project = make_exploring(*TREE, overlap=2).project
    lease, other = claim(project), claim(project)
    foreign = look(other).steps[0]
    with pytest.raises(Unfinished, match="another solution") as caught:
        finish(lease, Draft(marks={foreign.pk: Mark(rating=1)}, end="give_up"))
    assert caught.value.field == f"marks.{foreign.pk}"


@pytest.mark.django_db
def test_a_step_that_is_no_longer_great_was_not_to_be_gone_on_with() -> None:
    lease = built(claim(make_exploring(*TREE).project))
    draft = draft_of(lease)
    [first, *_] = draft.choices
    assert first.chosen is not None
    changed = {**draft.marks, first.chosen: Mark(rating=0)}
    with pytest.raises(Unfinished, match="only go on with a step marked Great"):
        finish(lease, Draft(marks=changed, choices=draft.choices))


@pytest.mark.django_db
@pytest.mark.parametrize("choice", [Choice(chosen=0), Choice()])
def test_a_choice_that_leads_nowhere_is_refused(choice: Choice) -> None:
    lease = claim(make_exploring(*TREE).project)
    look(lease)
    keep(lease, Draft(choices=(choice,)))
    with pytest.raises(Unfinished) as caught:
        look(lease)
    assert caught.value.field == "choices.0"


@pytest.mark.django_db
def test_finishing_a_position_twice_with_one_key_is_done_once() -> None:
    lease = claim(make_exploring(*TREE).project)
    draft, key = rating_by(lease, right), uuid4()
    for _ in range(2):
        kept = go_on(lease, draft, Choice(), based_on=0, key=key)
    assert (kept.draft_version, len(draft_of(lease).choices)) == (1, 1)


# --- Handed in, and out again -----------------------------------------------------------------


def hand_in_draft(lease: Lease, **fields: Any) -> Annotation:
    draft = draft_of(lease)
    whole = Draft(marks=draft.marks, choices=draft.choices, active_ms=1, **fields)
    return hand_in(Lease.objects.get(pk=lease.pk), whole).annotation


def own_texts(solution_id: int) -> list[str]:
    own = Step.objects.filter(solution=solution_id, alternative=0).order_by("position")
    return list(own.values_list("text", flat=True))


def assert_comes_back_equal(project: Project) -> dict[str, Any]:
    """Return the one record of the project, having imported it elsewhere and exported it again."""
    [record] = exported(project.slug)
    assert load_json([record], slug="elsewhere").added == 1
    assert exported("elsewhere") == [record]
    return record


@pytest.mark.django_db
def test_a_solution_is_exported_as_prm800k_phase_1_has_it() -> None:
    project = make_exploring(*TREE).project
    lease = claim(project)
    step_on(lease, right)
    step_on(lease, lambda step: 0 if step.text in TREE[0] else None, Choice(human="9 * 2 = 18."))
    step_on(lease, right, Choice(human="That is it.\n\n# Answer\n\n18"))
    annotation = hand_in_draft(lease)
    record = assert_comes_back_equal(project)
    assert record["question"].keys() == {"problem", "ground_truth_answer"}
    label = record["label"]
    assert label["finish_reason"] == "solution"
    first, second, third = label["steps"]
    assert first["completions"][first["chosen_completion"]] == {
        "text": "16 - 7 = 9",
        "rating": 1,
        "flagged": False,
    }
    by_text = {one["text"]: (one["rating"], one["flagged"]) for one in second["completions"]}
    assert by_text == {"9 * 2 = 18": (0, False), "9 + 2 = 11": (None, True)}
    assert second["chosen_completion"] is None
    human = {"rating": None, "source": "human", "flagged": False}
    assert second["human_completion"] == {"text": "9 * 2 = 18.", **human}
    assert third == {
        "completions": None,
        "human_completion": {"text": "That is it.\n\n# Answer\n\n18", **human},
        "chosen_completion": None,
    }
    solution = Solution.objects.get(pk=annotation.solution_id)
    assert own_texts(solution.pk) == ["16 - 7 = 9", "9 * 2 = 18.", "That is it.\n\n# Answer\n\n18"]
    assert solution.text == "\n".join(own_texts(solution.pk))
    for step in solution.steps.filter(alternative=0):
        assert solution.text[step.start : step.end] == step.text
    assert (solution.final_answer, solution.is_correct) == ("18", True)
    assert solution.grader


@pytest.mark.django_db
def test_one_that_was_given_up_ends_with_an_unfinished_stub() -> None:
    project = make_exploring(*TREE).project
    lease = claim(project)
    step_on(lease, right)
    look(lease)
    annotation = hand_in_draft(lease, end="give_up", reason="Stuck.")
    record = assert_comes_back_equal(project)
    assert record["label"]["finish_reason"] == "give_up"
    stub = record["label"]["steps"][-1]
    assert (stub["chosen_completion"], stub["human_completion"]) == (None, None)
    assert [one["rating"] for one in stub["completions"]] == [None, None]
    solution = Solution.objects.get(pk=annotation.solution_id)
    assert (own_texts(solution.pk), solution.final_answer) == (["16 - 7 = 9"], None)


@pytest.mark.django_db
def test_a_wrong_answer_is_graded_so() -> None:
    lease = claim(make_exploring(TREE[1]).project)
    for _ in range(3):
        step_on(lease)
    solution = hand_in_draft(lease).solution
    assert (solution.final_answer, solution.is_correct) == ("11", False)


@pytest.mark.django_db
def test_a_grade_that_got_lost_is_written_when_the_work_comes_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lease = built(claim(make_exploring(*TREE).project))

    def die(_solutions: object) -> None:
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(handing_in, "grade", die)
        with pytest.raises(SystemExit):
            hand_in_draft(lease)
    assert not hand_in(lease, draft_of(lease)).is_new
    solution = Solution.objects.get(pk=lease.solution_id)
    assert (solution.is_correct, bool(solution.grader)) == (True, True)


@pytest.mark.django_db
def test_a_grade_is_not_written_to_another_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    lease = built(claim(make_exploring(*TREE).project))

    def grade_while_a_correction_is_handed_in(solutions: Sequence[Solution]) -> None:
        grade(solutions)
        Solution.objects.filter(pk=lease.solution_id).update(final_answer="7")

    monkeypatch.setattr(handing_in, "grade", grade_while_a_correction_is_handed_in)
    hand_in_draft(lease)
    solution = Solution.objects.get(pk=lease.solution_id)
    assert (solution.is_correct, solution.grader) == (None, "")


@pytest.mark.django_db
def test_a_correction_may_take_another_path() -> None:
    project = make_exploring(*TREE).project
    before = hand_in_draft(built(claim(project)))
    lease = leases.correct(before)
    draft = draft_of(lease)
    keep(lease, Draft(marks=draft.marks, choices=draft.choices[:1]))
    keep(lease, rating_by(lease, lambda step: 1 if step.text == TREE[1][1] else 0))
    step_on(lease, lambda step: 1 if step.text == TREE[1][1] else 0)
    step_on(lease)
    hand_in_draft(lease)
    record = assert_comes_back_equal(project)
    taken = [
        one["completions"][one["chosen_completion"]]["text"] for one in record["label"]["steps"]
    ]
    assert taken == TREE[1]
    assert own_texts(before.solution_id) == TREE[1]
    assert Solution.objects.get(pk=before.solution_id).is_correct is False
    assert Step.objects.filter(solution=before.solution_id, text=TREE[0][2]).exists()


@pytest.mark.django_db
def test_late_work_without_a_slot_leaves_the_solution_to_its_holder() -> None:
    project = make_exploring(*TREE).project
    late = built(claim(project))
    ending.release(late)
    holder = claim(project, someone())
    assert holder.solution_id == late.solution_id
    first = look(holder)
    assert {step.position for step in first.steps} == {0}
    surplus = hand_in_draft(late)
    assert surplus.is_surplus
    assert own_texts(holder.solution_id) == []
    assert Solution.objects.get(pk=holder.solution_id).grader == ""
    step_on(holder, lambda step: 1 if step.text == TREE[2][0] else 0)
    step_on(holder)
    step_on(holder)
    hand_in_draft(holder)
    assert own_texts(holder.solution_id) == TREE[2]
    taken = surplus.positions.order_by("position").values_list("chosen__text", flat=True)
    assert list(taken) == TREE[0]


@pytest.mark.django_db
def test_later_labelers_build_on_what_was_built_before() -> None:
    problem = make_exploring(overlap=2)
    first = claim(problem.project)
    look(first)
    step_on(first, choice=Choice(human="16 - 7 = 9"))
    step_on(first, choice=Choice(human="The answer is 18."))
    hand_in_draft(first)
    make_solution(problem, ["16 - 7 = 9", "9 * 2 = 18"])
    second = claim(problem.project)
    step_on(second)
    assert [step.text for step in look(second).steps] == ["9 * 2 = 18"]

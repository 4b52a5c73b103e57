"""PRM800K's form under the three options."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from datasets_app.exporters.base import ExportOptions, OptionRefused
from datasets_app.exporters.prm800k import Prm800kExporter
from datasets_app.path import taken_candidate
from tests.datasets_app.marked_json import marked
from tests.datasets_app.prm800k_json import candidate, human, phase_1, phase_2, position

Json = dict[str, Any]


def export(record: Json, shape: Json | None = None, **options: Any) -> Json:
    chosen = ExportOptions(
        **{"neutral": "keep", "truncate": False, "alternatives": "keep", **options}
    )
    (row,) = Prm800kExporter(chosen).rows([marked(deepcopy(record), shape)])
    return row.value


def steps_of(record: Json, *steps: Json) -> Json:
    record["label"]["steps"] = list(steps)
    return record


def test_by_default_a_record_stays_as_it_is() -> None:
    for record in (phase_1(), phase_2()):
        assert [row.value for row in Prm800kExporter().rows([marked(deepcopy(record))])] == [record]


def test_a_record_gets_its_spelling_back() -> None:
    row = export(phase_2(), {"label.steps.1": {"other": {"note": "x"}}, "record": {"fraction": ""}})
    assert row["label"]["steps"][1]["note"] == "x"
    assert row["timestamp"] == phase_2()["timestamp"]


@pytest.mark.parametrize(
    ("neutral", "rating"), [("keep", 0), ("positive", 1), ("negative", -1), ("drop", None)]
)
def test_neutral_ratings_become_what_is_asked(neutral: str, rating: int | None) -> None:
    row = export(phase_2(), neutral=neutral)
    ratings = [c["rating"] for step in row["label"]["steps"] for c in step["completions"]]
    assert ratings == [rating, -1, 1]


STATES = st.builds(
    lambda ratings, chosen, written: position(
        [candidate("a", rating) for rating in ratings],
        chosen=chosen % len(ratings) if ratings and chosen is not None else None,
        written=human("b") if written else None,
    ),
    st.lists(st.sampled_from([-1, 0, 1, None]), max_size=3),
    st.none() | st.integers(0, 2),
    st.booleans(),
)


@example([position([candidate("a", 0)])], "negative")
@given(st.lists(STATES, max_size=3), st.sampled_from(["positive", "negative", "drop"]))
def test_what_neutral_becomes_changes_no_path(steps: list[Json], neutral: str) -> None:
    row = export(steps_of(phase_1(), *steps), neutral=neutral)
    assert [taken_candidate(step) for step in row["label"]["steps"]] == [
        taken_candidate(step) for step in steps
    ]


@pytest.mark.parametrize("neutral", ["positive", "negative", "drop"])
def test_an_unfinished_stub_keeps_its_neutral_ratings(neutral: str) -> None:
    stub = position([candidate("a", 0), candidate("b", 0)])
    assert export(steps_of(phase_1(), stub), neutral=neutral)["label"]["steps"] == [stub]


def test_truncating_leaves_an_error_that_ended_the_work() -> None:
    assert export(phase_2(), truncate=True) == phase_2()


def test_truncating_ends_with_the_first_step_that_is_wrong() -> None:
    wrong = position([candidate("a", 1), candidate("b", -1)], chosen=1)
    record = steps_of(phase_2(), wrong, position([candidate("c")], chosen=0))
    label = export(record, truncate=True)["label"]
    assert label["steps"] == [position([candidate("b", -1), candidate("a", 1)])]
    assert label["finish_reason"] == "found_error"


def test_truncating_at_a_chosen_step_drops_the_human_step_beside_it() -> None:
    wrong = position([candidate("a", 0), candidate("b", -1)], chosen=1, written=human("c"))
    (step,) = export(steps_of(phase_1(), wrong), truncate=True)["label"]["steps"]
    assert step == position([candidate("b", -1), candidate("a", 0)])


def test_truncating_after_neutral_counts_as_wrong() -> None:
    label = export(phase_2(), neutral="negative", truncate=True)["label"]
    assert [step["chosen_completion"] for step in label["steps"]] == [None]


def test_without_alternatives_the_path_stays() -> None:
    record = steps_of(
        phase_1(),
        position([candidate("a", -1), candidate("b")], chosen=1),
        position([candidate("c", 0)], written=human("d")),
        position([candidate("e", -1), candidate("f")]),
        position(None),
    )
    assert export(record, alternatives="none")["label"]["steps"] == [
        position([candidate("b")], chosen=0),
        position([], written=human("d")),
        position([candidate("e", -1)]),
        position(None),
    ]


def test_where_candidates_went_their_spelling_is_forgotten() -> None:
    shape = {
        "label.steps.1.completions.1": {"absent": ["flagged"]},
        "record": {"absent": ["generation"]},
    }
    row = export(phase_2(), shape, alternatives="none")
    assert "generation" not in row


def test_alternatives_cannot_be_rows() -> None:
    with pytest.raises(OptionRefused, match="keep, none"):
        export(phase_2(), alternatives="rows")

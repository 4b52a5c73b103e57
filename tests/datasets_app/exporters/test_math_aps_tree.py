"""Trees of rollouts, from the evidence of judges and from soft values."""

import json
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from datasets_app.exporters.base import OptionRefused
from datasets_app.exporters.math_aps_tree import MAX_DEPTH, MathApsTreeExporter
from datasets_app.marked import MarkedSolution
from tests.datasets_app.marked_json import marked
from tests.datasets_app.prm800k_json import candidate, phase_2, position
from tests.shared_data import shared_file

Json = dict[str, Any]
Tree = tuple[str, float, list[Any]]


def solution(
    texts: str, values: list[float | None], *, number: int = 1, right: bool | None = None
) -> MarkedSolution:
    """A model's solution whose steps are letters, the first of which have these soft values."""
    record = phase_2()
    record["question"]["pre_generated_steps"] = list(texts)
    record["label"] |= {
        "steps": [
            position([candidate(text, -1 if value == 0 else 1)], chosen=0)
            for text, value in zip(texts, values, strict=False)
        ],
        "finish_reason": None,
    }
    one = marked(record, id=f"solution-{number}", labeler_kind="model", labeler="rollouts")
    for beside, value in zip(one.marks, values, strict=False):
        beside[0][1] = value
    one.solution["is_correct"] = right
    return one


def evidence(**hits: int) -> Json:
    """Evidence of four rollouts after each of these numbers of steps (`after_1`)."""
    prefixes = [
        {"steps": int(name.removeprefix("after_")), "hits": count, "answers": ["5"] * 4}
        for name, count in hits.items()
    ]
    return {"threshold": 0.0, "prefixes": prefixes}


def export(*solutions: MarkedSolution, **options: Any) -> list[Json]:
    exporter = MathApsTreeExporter(replace(MathApsTreeExporter.defaults, **options))
    return [row.value for row in exporter.rows(solutions)]


def short(node: Json) -> Tree:
    return node["text"], node["mc_value"], [short(child) for child in node["children"]]


def below(*solutions: MarkedSolution, **options: Any) -> list[Tree]:
    (row,) = export(*solutions, **options)
    return short(row["reasoning_steps"])[2]


def test_a_row_is_the_problem_with_a_tree_that_begins_with_its_text() -> None:
    assert export(solution("ab", [0.75, 0.5], right=True)) == [
        {
            "question_id": "9a3f0b52-0000-4000-8000-000000000001",
            "question": "What is $2+3$?",
            "final_answer": "5",
            "reasoning_steps": {
                "text": "What is $2+3$?",
                "mc_value": 1.0,
                "children": [
                    {
                        "text": "a",
                        "mc_value": 0.75,
                        "children": [{"text": "b", "mc_value": 0.5, "children": []}],
                    }
                ],
            },
        }
    ]


def test_solutions_share_the_nodes_of_what_they_begin_with() -> None:
    first = solution("abc", [0.75, 0.5, 1], number=1)
    second = solution("abd", [0.75, 0.5, 0], number=2)
    assert below(first, second) == [("a", 0.75, [("b", 0.5, [("c", 1.0, []), ("d", 0.0, [])])])]


def test_equal_texts_of_another_value_are_nodes_of_their_own() -> None:
    assert below(solution("a", [0.5]), solution("ab", [0.25, 1], number=2)) == [
        ("a", 0.5, []),
        ("a", 0.25, [("b", 1.0, [])]),
    ]


def test_rollouts_count_before_marks_and_reach_behind_the_first_error() -> None:
    one = replace(solution("abc", [1, 0]), evidence=evidence(after_1=3, after_2=0, after_3=1))
    assert below(one) == [("a", 0.75, [("b", 0.0, [("c", 0.25, [])])])]


def test_a_step_that_no_rollout_was_drawn_after_is_part_of_the_next_node() -> None:
    # As `first_error` does, which vouches for the steps before those that it drew from.
    one = replace(solution("abcd", [None, None]), evidence=evidence(after_2=2, after_3=0))
    assert below(one) == [("a\n\nb", 0.5, [("c", 0.0, [])])]
    assert below(one, separator="\n")[0][0] == "a\nb"


def test_steps_behind_the_last_value_are_left_out() -> None:
    assert below(solution("abc", [0.5, None])) == [("a", 0.5, [])]


def test_the_tree_can_end_with_the_first_error() -> None:
    one = replace(solution("abc", [1, 0]), evidence=evidence(after_1=3, after_2=0, after_3=1))
    assert below(one, truncate=True) == [("a", 0.75, [("b", 0.0, [])])]


def test_other_candidates_are_siblings_where_they_have_a_value() -> None:
    one = solution("ab", [0.5, 0.25])
    one.record["label"]["steps"][1] = position(
        [candidate("b"), candidate("c"), candidate("d")], chosen=0
    )
    one.marks[1] = [[0, 0.25, None], [1, 0.75, None], [2, None, None]]
    assert below(one) == [("a", 0.5, [("b", 0.25, []), ("c", 0.75, [])])]
    assert below(one, alternatives="none") == [("a", 0.5, [("b", 0.25, [])])]


def test_what_people_said_is_no_value() -> None:
    assert export(marked(phase_2())) == []


def test_the_root_is_the_share_of_right_solutions_however_many_marked_them() -> None:
    right = solution("a", [1], number=1, right=True)
    wrong = solution("b", [0], number=2, right=False)
    wrong.solution["times_drawn"] = 3
    (row,) = export(right, right, wrong, solution("c", [0.5], number=3))
    assert row["reasoning_steps"]["mc_value"] == 0.25
    assert export(solution("c", [0.5]))[0]["reasoning_steps"]["mc_value"] is None


def test_a_solution_that_was_written_with_the_answer_in_view_tells_nothing_of_the_root() -> None:
    hinted = solution("a", [1], right=True)
    hinted.solution["hint"] = True
    assert export(hinted)[0]["reasoning_steps"]["mc_value"] is None


def test_what_is_deeper_than_readers_of_json_go_has_no_part() -> None:
    deep, deepest = "a" * MAX_DEPTH, "b" * (MAX_DEPTH + 1)
    rows = export(solution(deep, [0.5] * len(deep)), solution(deepest, [0.5] * len(deepest)))
    assert json.dumps(rows).count('"text": "a"') == MAX_DEPTH
    assert '"text": "b"' not in json.dumps(rows)


def test_a_row_names_all_solutions_and_the_steps_of_its_nodes() -> None:
    first, second = solution("ab", [0.75, 0.5]), solution("ac", [0.75, 0], number=2)
    (row,) = MathApsTreeExporter().rows([first, second])
    assert (row.solution, row.also) == (first, [second])
    assert row.origin()["step_ids"] == ["solution-1/0.0", "solution-1/1.0", "solution-2/1.0"]


@pytest.mark.parametrize("options", [{"neutral": "positive"}, {"alternatives": "rows"}])
def test_what_the_format_cannot_hold_is_refused(options: Json) -> None:
    with pytest.raises(OptionRefused, match="math-aps-tree cannot have"):
        export(solution("a", [1]), **options)


def test_in_columns_the_tree_is_text() -> None:
    exporter = MathApsTreeExporter()
    (row,) = exporter.rows([solution("ab", [0.75, 0.5])])
    table = pa.Table.from_pylist([exporter.typed(row.value)], schema=exporter.schema())
    (back,) = table.to_pylist()
    assert {**back, "reasoning_steps": json.loads(back["reasoning_steps"])} == row.value


def test_the_form_is_that_of_real_trees() -> None:
    (made,) = export(solution("ab", [0.75, 0.5]))
    for line in shared_file("math_aps_tree.jsonl").read_text().splitlines():
        real = json.loads(line)
        assert real.keys() == made.keys()
        assert real["reasoning_steps"].keys() == made["reasoning_steps"].keys()
        assert real["reasoning_steps"]["text"] == real["question"]

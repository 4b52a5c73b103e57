"""PRM800K's own form. Format: https://github.com/openai/prm800k and docs/formats.md."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import orjson

from datasets_app.exporters.base import Exporter, ExportOptions, Row
from datasets_app.marked import Json, MarkedSolution
from datasets_app.path import NEGATIVE, taken_candidate
from datasets_app.shape import respell

if TYPE_CHECKING:
    import pyarrow as pa


class Prm800kExporter(Exporter):
    """One record an annotation; by default an imported one is the same as it came."""

    name = "prm800k"
    defaults = ExportOptions(neutral="keep", truncate=False, alternatives="keep")
    alternatives_choices = ("keep", "none")
    holds_origin = False
    keeps_spelling = True

    def rows_of(self, solution: MarkedSolution) -> Iterator[Row]:
        record, shape = solution.record, solution.shape
        label = record["label"]
        marked = list(solution.taken())
        if self.options.truncate:
            ratings = [rating for _, rating in marked]
            marked = marked[: ratings.index(NEGATIVE) + 1] if NEGATIVE in ratings else marked
        if self.options.neutral != "keep":
            for step in label["steps"]:
                self._rate_neutral(step)
        if self.options.truncate:
            _truncate(label)
        if self.options.alternatives == "none":
            for step in label["steps"]:
                _leave_out_alternatives(step)
        respell(record, shape if self._keeps_all else _of_whole_record(shape))
        yield Row(record, solution, [step for step, _ in marked])

    def typed(self, value: Json) -> Json:
        """Return the record; an imported `source` that is no text becomes that of its JSON."""
        for step in value["label"].get("steps", ()):
            human = step.get("human_completion")
            if human and not isinstance(human.get("source", ""), str):
                human["source"] = orjson.dumps(human["source"]).decode()
        return value

    def schema(self) -> "pa.Schema":
        import pyarrow as pa

        text, flag, number = pa.string(), pa.bool_(), pa.int64()
        candidate = {"text": text, "rating": pa.int8(), "flagged": flag}
        human = pa.struct({**candidate, "source": text})
        step = {
            "completions": pa.list_(pa.struct(candidate)),
            "human_completion": human,
            "chosen_completion": pa.int32(),
        }
        question = {
            "problem": text,
            "ground_truth_solution": text,
            "ground_truth_answer": text,
            "pre_generated_steps": pa.list_(text),
            "pre_generated_answer": text,
            "pre_generated_verifier_score": pa.float64(),
        }
        label = {"steps": pa.list_(pa.struct(step)), "total_time": number, "finish_reason": text}
        return pa.schema(
            {
                "labeler": text,
                "timestamp": text,
                "generation": pa.int32(),
                "is_quality_control_question": flag,
                "is_initial_screening_question": flag,
                "question": pa.struct(question),
                "label": pa.struct(label),
            }
        )

    def _rate_neutral(self, step: Json) -> None:
        if taken_candidate(step) is None and step["human_completion"] is None:
            # The stub of a solution that was given up: a -1 would make it an error.
            return
        for candidate in step["completions"] or ():
            candidate["rating"] = self.rating(candidate["rating"])

    @property
    def _keeps_all(self) -> bool:
        return self.options.alternatives == "keep" and not self.options.truncate


def _of_whole_record(shape: Json) -> Json:
    """Leave out how single steps were spelt: they may have gone, or moved to another place."""
    return {where: how for where, how in shape.items() if not where.startswith("label.steps")}


def _truncate(label: Json) -> None:
    """End with the first negative step as a labeler who stops there does."""
    steps = label["steps"]
    for index, step in enumerate(steps):
        taken = taken_candidate(step)
        if taken is None or step["completions"][taken]["rating"] != NEGATIVE:
            continue
        if step["chosen_completion"] is not None or index < len(steps) - 1:
            # A step that ends the work has no other mark than standing first, with none taken.
            step["completions"].insert(0, step["completions"].pop(taken))
            step["chosen_completion"] = step["human_completion"] = None
            del steps[index + 1 :]
            label["finish_reason"] = "found_error"
        return


def _leave_out_alternatives(step: Json) -> None:
    candidates = step["completions"]
    if not candidates:
        return
    taken = taken_candidate(step)
    step["completions"] = [] if taken is None else [candidates[taken]]
    if step["chosen_completion"] is not None:
        step["chosen_completion"] = 0

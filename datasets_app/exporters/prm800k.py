"""PRM800K's own form. Format: https://github.com/openai/prm800k and docs/formats.md."""

from collections.abc import Iterator

from datasets_app.exporters.base import Exporter, ExportOptions, Json
from datasets_app.path import NEGATIVE, taken_candidate
from datasets_app.shape import respell


class Prm800kExporter(Exporter):
    """One record an annotation; by default an imported one is the same as it came."""

    name = "prm800k"
    defaults = ExportOptions(neutral="keep", truncate=False, alternatives="keep")
    alternatives_choices = ("keep", "none")

    def rows(self, record: Json, shape: Json) -> Iterator[Json]:
        label = record["label"]
        if self.options.neutral != "keep":
            for step in label["steps"]:
                self._rate_neutral(step)
        if self.options.truncate:
            _truncate(label)
        if self.options.alternatives == "none":
            for step in label["steps"]:
                _leave_out_alternatives(step)
        respell(record, shape if self._keeps_all else _of_whole_record(shape))
        yield record

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

"""TRL's stepwise supervision, for its PRM trainer.

Format: huggingface/trl, docs/source/dataset_formats.md and trl/experimental/prm/prm_trainer.py.
"""

from collections.abc import Iterator

from datasets_app.exporters.base import Exporter, ExportOptions, Json
from datasets_app.path import follow
from datasets_app.records import FinishReason

Labelled = tuple[str, bool]
SEPARATOR = "\n"
LEFT_OUT: tuple[FinishReason, ...] = ("bad_problem", "give_up")


class TrlStepwiseExporter(Exporter):
    """`{"prompt": …, "completions": [step, …], "labels": [true or false, …]}`.

    The trainer puts a label on the separator that it adds to each completion, and nothing
    between prompt and first completion: so the prompt ends with a line break of its own. A
    label is true or false, never "not rated": a step without one is joined to the next that has
    one, which gives the trainer the text of both and the one label; a tail without labels is
    left out, and so is a row without any. So is the work of a labeler who gave up or found the
    problem bad: PRM800K's users train on the rest alone.
    """

    name = "trl-stepwise"
    defaults = ExportOptions(
        neutral="positive", truncate=True, alternatives="none", separator=SEPARATOR
    )
    neutral_choices = ("positive", "negative", "drop")
    alternatives_choices = ("none", "rows")

    def rows(self, record: Json, shape: Json) -> Iterator[Json]:
        if record["label"]["finish_reason"] in LEFT_OUT:
            return
        prompt = record["question"]["problem"] + "\n"
        done: list[Labelled] = []
        waiting: list[str] = []
        branches: list[list[Labelled]] = []
        for stop in follow(record["label"]["steps"]):
            if self.options.alternatives == "rows":
                branches.extend(
                    [*done, self._joined(waiting, other["text"], label)]
                    for other in stop.alternatives
                    if (label := self._label(other["rating"])) is not None
                )
            if stop.text is None:
                break
            label = self._label(stop.rating)
            if label is None:
                waiting.append(stop.text)
                continue
            done.append(self._joined(waiting, stop.text, label))
            waiting = []
            if label is False and self.options.truncate:
                break
        for labelled in (done, *branches):
            if labelled:
                yield {
                    "prompt": prompt,
                    "completions": [text for text, _ in labelled],
                    "labels": [label for _, label in labelled],
                }

    def _label(self, rating: int | None) -> bool | None:
        kept = self.rating(rating)
        return None if kept is None else kept > 0

    def _joined(self, waiting: list[str], text: str, label: bool) -> Labelled:
        separator = SEPARATOR if self.options.separator is None else self.options.separator
        return separator.join([*waiting, text]), label

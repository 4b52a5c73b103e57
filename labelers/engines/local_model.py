"""A causal language model in this process, and the loop that draws a batch of texts from it.

Importing this module imports torch and transformers; only LocalEngine's constructor does.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    Cache,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from labelers.engines.base import (
    Completion,
    Decoding,
    Draw,
    DrawFailure,
    FinishReason,
    before_stop,
    storable,
)
from labelers.engines.pretrained import Marks, load, locate, placement
from labelers.engines.prompt_reader import PromptReader, reading_order
from labelers.engines.roomy_cache import keeps_every_token, roomy_cache

CONTEXT_TOKENS = 8
"""How many prompt tokens a completion is decoded with: some tokenizers drop a leading space."""
NUCLEUS_TOKENS = 1024
"""How many of the likeliest tokens top-p looks at first: sorting a whole vocabulary is slow."""


@dataclass(slots=True, kw_only=True)
class Row:
    """One text being drawn."""

    prompt_text: str
    prompt_ids: list[int]
    max_tokens: int
    """What the decoding allows, or less where the model's context ends earlier."""
    random: random.Random
    """Gives the row's random numbers, one for each position, whoever its neighbours are."""
    drawn_ids: list[int] = field(default_factory=list)
    finish_reason: FinishReason | None = None


class LocalModel:
    """A model with its tokenizer; `model`, `chat` and `device` are as in LocalEngine."""

    def __init__(self, model: str, *, chat: bool | None, device: str | None) -> None:
        source, options = locate(model)
        self.device, dtype = placement(device)
        self.tokenizer = load(AutoTokenizer, source, **options)
        self.model = load(AutoModelForCausalLM, source, dtype=dtype, **options)
        self.model.to(self.device).eval()
        self.chat = self.tokenizer.chat_template is not None if chat is None else chat
        if self.chat and self.tokenizer.chat_template is None:
            raise ValueError(f"the tokenizer of {model!r} has no chat template: set chat to false")
        config = self.model.config.get_text_config()
        self.context: int | None = getattr(config, "max_position_embeddings", None)
        self.end_ids = _end_ids(self.model, self.tokenizer)
        self._marks = Marks(self.tokenizer)
        self._keeps_every_token = False
        self._keeps_every_token = self._is_every_token_kept()

    def open_row(self, draw: Draw, decoding: Decoding) -> Row | DrawFailure:
        """Place the draw's prompt before the model, or say why it does not fit."""
        text = self._templated(self._marks.broken_up(draw.prompt)) + self._marks.broken_up(
            draw.prefix
        )
        ids = self.tokenizer(text, add_special_tokens=not self.chat)["input_ids"]
        if not ids:
            return DrawFailure(reason="the prompt is empty", transient=False)
        room = decoding.max_tokens if self.context is None else self.context - len(ids)
        if room < 1:
            reason = (
                f"prompt and prefix have {len(ids)} tokens, "
                f"which leaves no room in the model's context of {self.context}"
            )
            return DrawFailure(reason=reason, transient=False)
        return Row(
            prompt_text=text,
            prompt_ids=ids,
            max_tokens=min(decoding.max_tokens, room),
            random=random.Random(draw.seed),  # noqa: S311 (reproducible, not secret)
        )

    def reading_order(self, rows: Mapping[int, Row]) -> list[int]:
        """Return the keys of `rows` in the order in which they are best read and drawn."""
        prompts = {key: tuple(row.prompt_ids) for key, row in rows.items()}
        return reading_order(prompts, shares=self._keeps_every_token)

    def reader(self, rows: Sequence[Row]) -> PromptReader:
        """Return what reads the prompts of these rows, batch by batch in this order."""
        prompts = (
            dict.fromkeys(tuple(row.prompt_ids) for row in rows) if self._keeps_every_token else ()
        )
        return PromptReader(self._logits, self.device, list(prompts))

    @torch.inference_mode()
    def draw(self, rows: Sequence[Row], decoding: Decoding, reader: PromptReader) -> None:
        """Draw the rows to their ends as one batch; a finished row leaves the batch."""
        logits, cache, mask = reader.read([tuple(row.prompt_ids) for row in rows])
        while True:
            tokens = choose(logits, decoding, [row.random.random() for row in rows])
            for row, token in zip(rows, tokens.tolist(), strict=True):
                self._take(row, token, decoding)
            kept = [index for index, row in enumerate(rows) if row.finish_reason is None]
            if not kept:
                return
            if len(kept) < len(rows):
                rows = [rows[index] for index in kept]
                selected = torch.tensor(kept, device=self.device)
                cache.batch_select_indices(selected)
                mask, tokens = mask[selected], tokens[selected]
            mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1)
            logits = self._logits(tokens[:, None], mask, mask.sum(1, keepdim=True) - 1, cache)[0]

    def completion(self, row: Row, decoding: Decoding) -> Completion:
        """Return what a finished row has drawn, cut before the first stop string."""
        context = row.prompt_ids[-CONTEXT_TOKENS:]
        text = self._text(context + row.drawn_ids)[len(self._text(context)) :]
        return Completion(
            text=storable(before_stop(text, decoding.stop)),
            prompt_text=row.prompt_text,
            prompt_tokens=len(row.prompt_ids),
            completion_tokens=len(row.drawn_ids),
            finish_reason=row.finish_reason or "length",
        )

    def _templated(self, prompt: str) -> str:
        if not self.chat:
            return prompt
        messages = [{"role": "user", "content": prompt}]
        text: str = self.tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True
        )
        return text

    def _text(self, ids: list[int]) -> str:
        text: str = self.tokenizer.decode(
            ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text

    @torch.inference_mode()
    def _is_every_token_kept(self) -> bool:
        one = torch.ones(1, 1, dtype=torch.long, device=self.device)
        return keeps_every_token(self._logits(one, one, one - 1, None)[1])

    def _logits(
        self,
        ids: torch.Tensor,
        mask: torch.Tensor,
        positions: torch.Tensor,
        cache: Cache | None,
    ) -> tuple[torch.Tensor, Cache]:
        if cache is None and self._keeps_every_token:
            cache = roomy_cache()
        output = self.model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return output.logits[:, -1].float(), output.past_key_values

    def _take(self, row: Row, token: int, decoding: Decoding) -> None:
        row.drawn_ids.append(token)
        if token in self.end_ids or self._at_stop(row, decoding.stop):
            row.finish_reason = "stop"
        elif len(row.drawn_ids) == row.max_tokens:
            row.finish_reason = "length"

    def _at_stop(self, row: Row, stop: Sequence[str]) -> bool:
        """Whether the newest token ends a stop string; looks back a token for each of its bytes."""
        if not stop:
            return False
        tail = self._text(row.drawn_ids[-max(len(string.encode()) for string in stop) - 4 :])
        return any(string in tail for string in stop)


def choose(logits: torch.Tensor, decoding: Decoding, uniforms: Sequence[float]) -> torch.Tensor:
    """Choose a token for each row of `logits` (rows, vocabulary), by inverting the distribution.

    `uniforms` are the rows' random numbers in [0, 1); greedy decoding ignores them. One number a
    row, not noise over the vocabulary, keeps the choice cheap and independent of the other rows.
    """
    if decoding.temperature == 0:
        return logits.argmax(-1)
    # Shifted first, so that no temperature overflows, or is so small that float32 takes it for 0.
    shifted = logits - logits.max(-1, keepdim=True).values
    probabilities = (shifted / max(decoding.temperature, 1e-6)).softmax(-1)
    ids = None
    if decoding.top_p < 1:
        probabilities, ids = _nucleus(probabilities, decoding.top_p)
    cumulative = probabilities.double().cumsum(-1)
    points = torch.tensor(uniforms, dtype=torch.float64, device=logits.device)[:, None]
    places = torch.searchsorted(cumulative, points * cumulative[:, -1:], right=True)
    places = places.clamp(max=cumulative.shape[1] - 1)
    return (places if ids is None else ids.gather(1, places))[:, 0]


def _nucleus(probabilities: torch.Tensor, top_p: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the likeliest tokens' probabilities, 0 beyond a mass of `top_p`, and their ids."""
    vocabulary = probabilities.shape[-1]
    top, ids = probabilities.topk(min(NUCLEUS_TOKENS, vocabulary))
    if bool((top.sum(-1) < top_p).any()):
        top, ids = probabilities.sort(-1, descending=True)
    return top.masked_fill(top.cumsum(-1) - top >= top_p, 0), ids


def _end_ids(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> set[int]:
    """Return every token id that ends a text: models list several, tokenizers know one."""
    listed = model.generation_config.eos_token_id
    ids = set(listed) if isinstance(listed, list) else {listed}
    return {id_ for id_ in ids | {tokenizer.eos_token_id} if id_ is not None}

"""Reading prompts into a model's KV cache, what several of them begin with only once.

Importing this module imports torch and transformers; only LocalEngine's constructor does.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch.nn.functional import pad
from transformers import Cache
from transformers.cache_utils import DynamicLayer

from labelers.engines.roomy_cache import roomy_cache

LEAST_SHARED_TOKENS = 16
"""Fewer are read again with the rest of each prompt: reading them apart takes a call of its own."""

Prompt = tuple[int, ...]
"""A prompt's token ids."""
KeysValues = tuple[torch.Tensor, torch.Tensor]
"""One layer's cache, each of shape (rows, heads, tokens, dimension)."""
Reading = tuple[torch.Tensor, Cache, torch.Tensor]
"""The last logits (rows, vocabulary), the KV cache, and its attention mask (rows, tokens)."""
Forward = Callable[
    [torch.Tensor, torch.Tensor, torch.Tensor, Cache | None], tuple[torch.Tensor, Cache]
]
"""Calls the model with ids, attention mask, positions and cache; returns last logits and cache."""


def reading_order(prompts: Mapping[int, Prompt], *, shares: bool) -> list[int]:
    """Return the keys of `prompts` in the order in which they are best read, the longest first.

    Texts of one length are cheapest to draw in one batch: each is padded to the longest. Prompts
    that share a trunk of their own, more than what all of them begin with (a question's wording),
    are kept together nevertheless, in descending order: there each stands right before those that
    it begins with. Without `shares` only the lengths count.
    """
    if not shares:
        return sorted(prompts, key=lambda key: len(prompts[key]), reverse=True)
    descending = sorted(prompts, key=lambda key: prompts[key], reverse=True)
    together: list[list[int]] = []
    of_all = common(prompts[descending[0]], prompts[descending[-1]]) if descending else 0
    for key in descending:
        trunk = common(prompts[together[-1][-1]], prompts[key]) if together else 0
        if trunk - of_all >= LEAST_SHARED_TOKENS:
            together[-1].append(key)
        else:
            together.append([key])
    together.sort(key=lambda keys: max(len(prompts[key]) for key in keys), reverse=True)
    return [key for keys in together for key in keys]


class PromptReader:
    """Reads the batches of one list of distinct prompts.

    What a prompt shares with the next (the trunk) is read alone and kept, and the next prompts
    begin with as much of it as they have: see `reading_order`.
    """

    def __init__(self, forward: Forward, device: torch.device, prompts: Sequence[Prompt]) -> None:
        self._forward = forward
        self._device = device
        self._shared_tokens = {one: common(one, after) for one, after in pairwise(prompts)}
        self._trunk: Prompt = ()
        self._trunk_layers: list[KeysValues] = []

    def read(self, prompts: Sequence[Prompt]) -> Reading:
        """Read the prompts of one batch, equal ones once."""
        distinct = list(dict.fromkeys(prompts))
        logits, cache, mask = self._read(distinct)
        if len(distinct) == len(prompts):
            return logits, cache, mask
        places = {prompt: place for place, prompt in enumerate(distinct)}
        selected = torch.tensor([places[prompt] for prompt in prompts], device=self._device)
        cache.batch_select_indices(selected)
        return logits[selected], cache, mask[selected]

    def _read(self, prompts: Sequence[Prompt]) -> Reading:
        starts = [self._start(prompt) for prompt in prompts]
        tokens = [start.tokens for start in starts]
        rests = [prompt[read:] for prompt, read in zip(prompts, tokens, strict=True)]
        width = max(map(len, rests))
        ids = [[0] * (width - len(rest)) + list(rest) for rest in rests]
        mask = torch.cat([self._mask(tokens), self._mask([len(rest) for rest in rests])], dim=1)
        logits, cache = self._forward(
            torch.tensor(ids, device=self._device),
            mask,
            (mask.cumsum(1) - 1).clamp(min=0)[:, -width:],
            _joined(starts),
        )
        return logits, cache, mask

    def _start(self, prompt: Prompt) -> "Start":
        """Return what is read of the prompt, having read what a later one shares with it.

        The last token is left: its logits are what comes of reading.
        """
        tokens = common(prompt, self._trunk)
        shared = self._shared_tokens.get(prompt, 0)
        if shared - tokens >= LEAST_SHARED_TOKENS:
            self._extend(prompt[:shared], tokens)
            tokens = shared
        return Start(min(tokens, len(prompt) - 1), self._trunk_layers)

    def _extend(self, trunk: Prompt, tokens: int) -> None:
        """Read a new trunk, which begins with as many tokens of the present one."""
        _, cache = self._forward(
            torch.tensor([trunk[tokens:]], device=self._device),
            self._mask([len(trunk)]),
            torch.arange(tokens, len(trunk), device=self._device)[None],
            _joined([Start(tokens, self._trunk_layers)]),
        )
        self._trunk = trunk
        self._trunk_layers = _keys_values(cache)

    def _mask(self, lengths: Sequence[int]) -> torch.Tensor:
        """Return a row of ones for each length, and zeros before them."""
        width = max(lengths)
        rows = [[0] * (width - length) + [1] * length for length in lengths]
        return torch.tensor(rows, dtype=torch.long, device=self._device)


class Start(NamedTuple):
    """How many tokens of a prompt are read, and for each layer a cache that begins with them."""

    tokens: int
    layers: list[KeysValues]


def _joined(starts: Sequence[Start]) -> Cache | None:
    """Return one cache of the starts, padded on the left; None where nothing is read."""
    width = max(start.tokens for start in starts)
    if width == 0:
        return None
    longest = max(starts, key=lambda start: start.tokens)
    joined = roomy_cache()
    for layer in range(len(longest.layers)):
        keys, values = (
            torch.cat(
                [
                    pad(
                        (start.layers or longest.layers)[layer][part][:, :, : start.tokens],
                        (0, 0, width - start.tokens, 0),
                    )
                    for start in starts
                ]
            )
            for part in (0, 1)
        )
        joined.update(keys, values, layer)
    return joined


def _keys_values(cache: Cache) -> list[KeysValues]:
    return [
        (layer.keys, layer.values)
        for layer in cache.layers
        if isinstance(layer, DynamicLayer) and layer.keys is not None and layer.values is not None
    ]


def common(prompt: Prompt, other: Prompt) -> int:
    """Return how many tokens the two begin with in common."""
    for tokens, (one, another) in enumerate(zip(prompt, other, strict=False)):
        if one != another:
            return tokens
    return min(len(prompt), len(other))

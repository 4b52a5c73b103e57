"""A KV cache that takes one more token without copying all those before it.

Importing this module imports torch and transformers; only LocalEngine's constructor does.
"""

from typing import Any

import torch
from transformers import Cache
from transformers.cache_utils import DynamicLayer

ROOM_TOKENS = 64
"""For how many tokens a layer makes room when it is full."""


class RoomyLayer(DynamicLayer):  # type: ignore[no-untyped-call]  # transformers leaves it so
    """A DynamicLayer whose `keys` and `values` are the filled part of larger tensors.

    transformers' own concatenates at every token: with SmolLM2 on two cores that copying took up
    to a third of the time of drawing eight texts of 500 tokens.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # transformers leaves it so
        self._room: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        begin = self.get_seq_length()
        end = begin + key_states.shape[2]
        if self._room is None or self._room[0].shape[2] < end:
            # What was kept is copied beside the new, with room after both.
            filled = super().update(key_states, value_states, *args, **kwargs)
            self._room = (_with_room(filled[0]), _with_room(filled[1]))
        else:
            self._room[0][:, :, begin:end] = key_states
            self._room[1][:, :, begin:end] = value_states
        self.keys, self.values = self._room[0][:, :, :end], self._room[1][:, :, :end]
        return self.keys, self.values

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        super().batch_select_indices(indices)
        self._room = None


def roomy_cache() -> Cache:
    """Return an empty cache for a model of which `keeps_every_token` is true."""
    return Cache(layer_class_to_replicate=RoomyLayer)


def keeps_every_token(cache: Cache) -> bool:
    """Whether each layer keeps the keys and values of every token.

    Then the start of a text's cache is the cache of the text's start. With sliding windows and
    recurrent states it is not.
    """
    return all(type(layer) is DynamicLayer for layer in cache.layers)


def _with_room(states: torch.Tensor) -> torch.Tensor:
    rows, heads, tokens, dimension = states.shape
    room = states.new_empty(rows, heads, tokens + ROOM_TOKENS, dimension)
    room[:, :, :tokens] = states
    return room

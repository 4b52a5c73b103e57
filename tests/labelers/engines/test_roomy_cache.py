"""The cache with room to grow: the same keys and values as transformers' own."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import Cache, DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from labelers.engines.roomy_cache import ROOM_TOKENS, RoomyLayer, keeps_every_token, roomy_cache

changes = st.lists(
    st.one_of(st.integers(1, ROOM_TOKENS + 8), st.lists(st.integers(0, 1), min_size=2, max_size=3)),
    min_size=1,
    max_size=12,
)


def dynamic_layer() -> DynamicLayer:
    return DynamicLayer()  # type: ignore[no-untyped-call]  # transformers leaves it so


def states(rows: int, tokens: int) -> torch.Tensor:
    return torch.randn(rows, 2, tokens, 4)


@settings(max_examples=50)
@given(changes)
def test_it_holds_what_a_dynamic_layer_holds(changes: list[int | list[int]]) -> None:
    roomy, plain = RoomyLayer(), dynamic_layer()
    rows = 2
    for change in changes:
        if isinstance(change, list):
            selected = torch.tensor(change)
            roomy.batch_select_indices(selected)
            plain.batch_select_indices(selected)
            rows = len(change) if plain.get_seq_length() else rows
            continue
        keys, values = states(rows, change), states(rows, change)
        found, expected = roomy.update(keys, values), plain.update(keys, values)
        assert all(torch.equal(*pair) for pair in zip(found, expected, strict=True))
        assert roomy.get_seq_length() == plain.get_seq_length()


def test_a_token_is_written_beside_those_before_it() -> None:
    layer = RoomyLayer()
    first, _ = layer.update(states(2, 5), states(2, 5))
    places = {layer.update(states(2, 1), states(2, 1))[0].data_ptr() for _ in range(ROOM_TOKENS)}
    assert places == {first.data_ptr()}
    assert layer.update(states(2, 1), states(2, 1))[0].data_ptr() not in places


def test_only_layers_that_keep_all_tokens_can_be_cut() -> None:
    assert keeps_every_token(DynamicCache())
    windowed = Cache(layers=[dynamic_layer(), DynamicSlidingWindowLayer(sliding_window=4)])
    assert not keeps_every_token(windowed)
    assert len(roomy_cache().layers) == 0

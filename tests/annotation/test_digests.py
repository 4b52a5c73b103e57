from hypothesis import given
from hypothesis import strategies as st

from annotation.digests import digest, json_digest

parts = st.lists(st.none() | st.text(), max_size=4)


@given(parts, parts)
def test_different_parts_have_different_digests(
    one: list[str | None], two: list[str | None]
) -> None:
    assert (digest(*one) == digest(*two)) == (one == two)


def test_the_order_of_keys_does_not_matter() -> None:
    assert json_digest({"a": 1, "b": [2]}) == json_digest({"b": [2], "a": 1})
    assert json_digest({"a": 1}) != json_digest({"a": 2})

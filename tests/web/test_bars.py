from hypothesis import given
from hypothesis import strategies as st

from web.bars import bar

counts = st.lists(st.tuples(st.just("great"), st.just("great"), st.integers(0, 10**9)), max_size=6)


@given(counts)
def test_the_parts_of_a_bar_follow_one_another_and_fill_it(
    counts: list[tuple[str, str, int]],
) -> None:
    drawn = bar(counts)
    assert drawn.total == sum(count for _, _, count in counts)
    end = 0.0
    for part in drawn.parts:
        assert abs(float(part.x) - end) < 0.01
        end = float(part.x) + float(part.width)
    assert not drawn.total or abs(end - 100) < 0.01


def test_a_bar_says_its_parts_in_words() -> None:
    assert bar([("great", "right", 1200), ("bad", "wrong", 3)]).says == "right: 1,200, wrong: 3"

"""What the page of a version makes of its numbers."""

from typing import Any

from datasets_app.scorecard import splits_of, token_card
from datasets_app.token_lengths import BIN


def test_the_split_to_train_on_comes_first() -> None:
    manifest: dict[str, Any] = {"splits": {"dev": {}, "test": {}, "train": {}, "validation": {}}}
    names = [name for name, _counts in splits_of(manifest)]
    assert names == ["train", "dev", "test", "validation"]


def test_rows_are_plotted_by_groups_that_no_count_of_tokens_straddles() -> None:
    lengths = {str(n * BIN): n + 1 for n in range(60)}
    plot = token_card({"lengths": lengths}).lengths
    names = [column.name for column in plot.columns]
    assert names[:3] == ["0", "192", "384"]
    assert len(names) == 20
    assert plot.columns[1].count == 4 + 5 + 6
    assert plot.total == sum(lengths.values())

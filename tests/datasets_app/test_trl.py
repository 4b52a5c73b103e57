"""TRL's trainer of process rewards tokenises what Stepmark writes for it."""

from pathlib import Path
from typing import Any

import datasets
import pytest

from tests.datasets_app.frozen import laid_out
from tests.datasets_app.published import publish

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    # What TRL and its libraries do within themselves.
    pytest.mark.filterwarnings("default"),
]
NOTHING = -100
"""The label of a token that the trainer learns nothing from."""


@pytest.fixture
def tokenizer() -> Any:
    """A token a byte, so that every place in the text is a token of its own."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE({one: place for place, one in enumerate(alphabet)}, []))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=made, bos_token="<s>"
    )


@pytest.mark.parametrize("separator", ["\n", "\n\n"])
def test_each_label_lands_on_the_last_token_of_the_separator_behind_its_step(
    separator: str, tokenizer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRL_EXPERIMENTAL_SILENCE", "1")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    from trl.experimental.prm import PRMTrainer

    folder = laid_out(publish("parquet", ["trl-stepwise"]), tmp_path / "version")
    rows = datasets.load_dataset(str(folder), split="train")
    labels = {True: 0, False: 0}
    for row in rows:
        made = PRMTrainer.tokenize_row(  # type: ignore[no-untyped-call]
            row, tokenizer, separator, None, None, train_on_last_step_only=False, is_eval=False
        )
        text, ends = row["prompt"], {}
        for step, label in zip(row["completions"], row["labels"], strict=True):
            text += step + separator
            ends[len(text.encode())] = int(label)  # behind the token that begins the text
            labels[label] += 1
        assert tokenizer.decode(made["input_ids"][1:]) == text
        assert {
            place: label for place, label in enumerate(made["labels"]) if label != NOTHING
        } == ends
    assert all(labels.values())
    assert "solution_id" in rows.column_names, "the trainer was not given columns to ignore"

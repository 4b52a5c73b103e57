"""How each kind of process reward model is given a solution, and where its word on a step stands.

Formats: huggingface/trl, trl/experimental/prm/prm_trainer.py (`TokenHead`); Math-Shepherd's
model card (`Tag`); RLHFlow, math-rm/prm_evaluate.py (`Turns`); the model card of
Qwen2.5-Math-PRM (`Extra0`).
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

NUMBERED = re.compile(r"Step \d+:")
QWEN_SYSTEM = r"Please reason step by step, and put your final answer within \boxed{}."
ANSWER_PLACE = "\ue000answer\ue001"
"""Stands for each answer while a chat template is filled in; in no text that people write."""


class Unreadable(ValueError):
    """A solution cannot be laid out for the model; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """One solution as tokens. `read_at` has the index of the token to read for each step."""

    ids: list[int]
    read_at: list[int]


class Layout(ABC):
    """Lays solutions out for one kind of model. Its fields are settings of the judge."""

    @property
    def own_marks(self) -> tuple[str, ...]:
        """What the layout puts between steps, which no problem or step may spell."""
        return ()

    @abstractmethod
    def place(
        self, tokenizer: "PreTrainedTokenizerBase", problem: str, steps: Sequence[str], limit: int
    ) -> Placed:
        """Lay out one solution of one step or more; raises Unreadable.

        Steps that end beyond `limit` tokens may be left out: a runaway text is not read to its end.
        """


@dataclass(frozen=True, kw_only=True)
class HeadLayout(Layout):
    """For a model whose head has an output for each of two or three classes, at every token."""

    classes: Sequence[str] | None = None
    """The order of the outputs, as "-1", "0" and "1"; None is the model's own."""


@dataclass(frozen=True, kw_only=True)
class AnswerLayout(Layout):
    """For a language model that says of a step either `good` or `bad`, a token each."""

    after_problem: str = " "
    good: str = "+"
    bad: str = "-"


@dataclass(frozen=True, kw_only=True)
class TokenHead(HeadLayout):
    """TRL's: problem, steps and separators tokenized apart, each step's label on its last token.

    The last token of a step is that of its separator. Nothing but `after_problem` stands between
    problem and first step.
    """

    separator: str = "\n"
    after_problem: str = "\n"

    def place(
        self, tokenizer: "PreTrainedTokenizerBase", problem: str, steps: Sequence[str], limit: int
    ) -> Placed:
        separator_ids = _bare_ids(tokenizer, self.separator)
        start = tokenizer.bos_token_id
        ids = [] if start is None else [start]
        ids += _bare_ids(tokenizer, problem + self.after_problem)
        read_at = []
        for step in steps:
            ids += _bare_ids(tokenizer, step) + separator_ids
            read_at.append(len(ids) - 1)
            if len(ids) > limit:
                break
        return Placed(ids=ids, read_at=read_at)


@dataclass(frozen=True, kw_only=True)
class Tag(AnswerLayout):
    """Math-Shepherd's: a tag after each step, and at it the model says `good` or `bad` next."""

    tag: str = "ки"
    after_tag: str = "\n"
    numbered: bool = False
    """Whether "Step 1: " is put before each step that does not begin so."""

    @property
    def own_marks(self) -> tuple[str, ...]:
        return (self.tag,)

    def place(
        self, tokenizer: "PreTrainedTokenizerBase", problem: str, steps: Sequence[str], limit: int
    ) -> Placed:
        text = problem + self.after_problem
        up_to_tags = []
        for number, step in enumerate(steps, start=1):
            if self.numbered and not NUMBERED.match(step):
                step = f"Step {number}: {step}"
            up_to_tags.append(f"{text}{step} {self.tag}")
            text = up_to_tags[-1] + self.after_tag
        ids = _ids(tokenizer, up_to_tags[-1])
        read_at = []
        for number, up_to_tag in enumerate(up_to_tags, start=1):
            read = _ids(tokenizer, up_to_tag)
            if ids[: len(read)] != read:
                raise Unreadable(f"the tag after step {number} is one token with what follows it")
            read_at.append(len(read) - 1)
            if len(read) > limit:
                break
        return Placed(ids=ids, read_at=read_at)


@dataclass(frozen=True, kw_only=True)
class Turns(AnswerLayout):
    """RLHFlow's: a user's turn a step, each answered `good`; read where that answer is due."""

    def place(
        self, tokenizer: "PreTrainedTokenizerBase", problem: str, steps: Sequence[str], limit: int
    ) -> Placed:
        contents = [problem + self.after_problem + steps[0], *steps[1:]]
        messages = []
        for content in contents:
            messages.append({"role": "user", "content": content})
            messages.append({"role": "assistant", "content": ANSWER_PLACE})
        pieces = _templated(tokenizer, messages).split(ANSWER_PLACE)
        if len(pieces) != len(steps) + 1:
            raise Unreadable("the chat template does not write each answer once")
        ids = _bare_ids(tokenizer, self.good.join(pieces))
        good_id = token_of(tokenizer, self.good)
        read_at = []
        for number in range(1, len(steps) + 1):
            read = _bare_ids(tokenizer, self.good.join(pieces[:number]))
            if ids[: len(read) + 1] != [*read, good_id]:
                raise Unreadable(f"the answer to step {number} is no token of its own")
            read_at.append(len(read) - 1)
            if len(read) > limit:
                break
        return Placed(ids=ids, read_at=read_at)


@dataclass(frozen=True, kw_only=True)
class Extra0(HeadLayout):
    """Qwen2.5-Math-PRM's: the assistant's turn holds the steps, each before a separator token."""

    separator: str = "<extra_0>"
    system: str = QWEN_SYSTEM

    @property
    def own_marks(self) -> tuple[str, ...]:
        return (self.separator,)

    def place(
        self, tokenizer: "PreTrainedTokenizerBase", problem: str, steps: Sequence[str], limit: int
    ) -> Placed:
        messages = [
            {"role": "system", "content": self.system},
            {"role": "user", "content": problem},
            {"role": "assistant", "content": "".join(step + self.separator for step in steps)},
        ]
        ids = _bare_ids(tokenizer, _templated(tokenizer, messages[0 if self.system else 1 :]))
        separator_id = token_of(tokenizer, self.separator)
        read_at = [place for place, id_ in enumerate(ids) if id_ == separator_id]
        if len(read_at) != len(steps):
            raise Unreadable(f"{len(read_at)} separators stand in a solution of {len(steps)} steps")
        return Placed(ids=ids, read_at=read_at)


LAYOUTS: Mapping[str, type[HeadLayout] | type[AnswerLayout]] = {
    "token_head": TokenHead,
    "tag": Tag,
    "turns": Turns,
    "extra_0": Extra0,
}


def token_of(tokenizer: "PreTrainedTokenizerBase", text: str) -> int:
    """Return the one token that `text` is; raises Unreadable where it is not one."""
    ids = _bare_ids(tokenizer, text)
    if len(ids) != 1 or ids[0] == tokenizer.unk_token_id:
        raise Unreadable(f"{text!r} is not one token of this model")
    return ids[0]


def _bare_ids(tokenizer: "PreTrainedTokenizerBase", text: str) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def _ids(tokenizer: "PreTrainedTokenizerBase", text: str) -> list[int]:
    """Tokenize with the special tokens that the model expects before a text, none after it."""
    ids: list[int] = tokenizer(text)["input_ids"]
    return ids[:-1] if ids[-1] == tokenizer.eos_token_id else ids


def _templated(tokenizer: "PreTrainedTokenizerBase", messages: list[dict[str, str]]) -> str:
    from jinja2 import TemplateError  # comes with torch, and only models need it

    if tokenizer.chat_template is None:
        raise Unreadable("the tokenizer has no chat template, which this form needs")
    try:
        return str(tokenizer.apply_chat_template(messages, tokenize=False))
    except TemplateError as error:
        raise Unreadable(f"the chat template does not take this: {error}") from error

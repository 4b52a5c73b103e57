"""What OpenAI-compatible servers answer, read with mistrust.

Format: the OpenAI API reference, "Create chat completion" and "Create completion"; what vLLM
and `transformers serve` add to it (`reasoning_content`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from labelers.engines.base import FinishReason

REASON_CHARACTERS = 200
MAX_COUNT = 10_000_000
"""More tokens than any model reads or writes for one text; a server that says so is mistaken."""


class Unavailable(Exception):
    """The server is busy, broken or out of reach: the same request may succeed later."""

    def __init__(
        self, reason: str, retry_after_s: float | None = None, *, is_limit: bool = False
    ) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s
        self.is_limit = is_limit

    @property
    def limited_s(self) -> float | None:
        """What a rate limit asks to wait, 0 where it does not say; None where it is none."""
        return self.retry_after_s or 0.0 if self.is_limit else None


class Refused(Exception):
    """The server answered, and asking again will not change the answer."""


class QuotaSpent(Refused):
    """Nobody with this key is answered until somebody pays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnText:
    """The one choice of an answer, as the server gave it."""

    text: str
    finish_reason: FinishReason
    prompt_tokens: int
    completion_tokens: int


def drawn_text(response: httpx.Response, *, chat: bool) -> DrawnText:
    """Read an answer of status 200; raises Refused where it holds no text."""
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        raise Refused(f"the answer is not JSON: {_shortened(response)}") from None
    choices = _member(answer, "choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    text = _chat_text(_member(choice, "message")) if chat else _member(choice, "text")
    if not isinstance(text, str):
        raise Refused(f"the answer holds no text: {_shortened(response)}")
    usage = _member(answer, "usage")
    return DrawnText(
        text=text,
        finish_reason="length" if _member(choice, "finish_reason") == "length" else "stop",
        prompt_tokens=_count(_member(usage, "prompt_tokens")),
        completion_tokens=_count(_member(usage, "completion_tokens")),
    )


def refusal(response: httpx.Response) -> str:
    """Say in one line what a status other than 200 came with."""
    return f"the server answered {response.status_code}: {_shortened(response)}"


def is_quota_spent(response: httpx.Response) -> bool:
    """Whether the server wants money, not patience: status 402, or 429 for `insufficient_quota`.

    Source: the OpenAI API's guide "Error codes", which has that word in the error's code and type.
    """
    if response.status_code != 429:
        return response.status_code == 402
    try:
        error = _member(response.json(), "error")
    except (ValueError, RecursionError):
        return False
    return "insufficient_quota" in (_member(error, "code"), _member(error, "type"))


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that `Retry-After` asks for, None where it says nothing (RFC 9110)."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]*)?", value):
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def _chat_text(message: object) -> object:
    """Return a chat message's text, with the thoughts that the server took out put back."""
    text = _member(message, "content")
    thoughts = _member(message, "reasoning_content") or _member(message, "reasoning")
    if not (isinstance(thoughts, str) and thoughts):
        return text
    return f"<think>{thoughts}</think>{text if isinstance(text, str) else ''}"


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        return 0
    return value if 0 < value <= MAX_COUNT else 0


def _shortened(response: httpx.Response) -> str:
    """Return the body's gist as one line of plain text, without a key that it repeats."""
    text = response.text
    if "html" in response.headers.get("content-type", "") or text.lstrip()[:1] == "<":
        return "an HTML page"
    key = response.request.headers.get("authorization", "").removeprefix("Bearer ")
    line = " ".join((text.replace(key, "[key]") if key else text).split()) or "an empty body"
    return line if len(line) <= REASON_CHARACTERS else line[:REASON_CHARACTERS] + "…"

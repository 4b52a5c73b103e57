"""Any OpenAI-compatible server: vLLM, llama.cpp, Ollama, `transformers serve`, hosted ones."""

import asyncio
import os
import threading
from collections.abc import Sequence
from typing import Any

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_random, wait_random_exponential

from labelers.engines.base import (
    Completion,
    Decoding,
    Draw,
    DrawFailure,
    Engine,
    before_stop,
    storable,
)
from labelers.engines.openai_answers import (
    QuotaSpent,
    Refused,
    Unavailable,
    drawn_text,
    is_quota_spent,
    refusal,
    retry_after_s,
)
from labelers.engines.rate_limits import tell

LONGEST_WAIT_S = 60.0
"""A busy server that asks for more patience than this is asked again after this. A rate limit that
lasts longer is left to the run: meanwhile the worker has other things to do."""


class OpenAIEngine(Engine):
    """Draws from an OpenAI-compatible server, one request a draw.

    `base_url` ends before `/completions`, usually in `/v1`. `chat` chooses between
    `/chat/completions` and `/completions`. At most `concurrency` requests are open at a time,
    over all calls of this engine. A request may take `timeout_s`; one that is answered 429 or
    5xx, loses its connection or times out is sent up to `attempts` times, after the server's
    `Retry-After` or a random wait that doubles from `backoff_s`. Whoever listens is told of a rate
    limit (429) at once. Where its attempts were in vain, the draws of the call that were not sent
    yet are not: they fail like it.

    The key is read from the environment variable `api_key_env` when it is needed, and is kept
    nowhere. A prefix continues the assistant's turn through `continue_final_message`, which
    vLLM, SGLang and llama.cpp understand; other servers need `chat` false for that.

    Raises ValueError for a `base_url` that is not http(s).
    """

    name = "openai"
    batch_size = 32

    def __init__(
        self,
        *,
        model: str,
        base_url: str,
        chat: bool = True,
        concurrency: int = 8,
        timeout_s: float = 120.0,
        attempts: int = 6,
        backoff_s: float = 1.0,
        api_key_env: str = "OPENAI_API_KEY",
    ) -> None:
        self._url = _endpoint(base_url, chat=chat)
        if concurrency < 1 or attempts < 1:
            raise ValueError("concurrency and attempts must be 1 or more")
        self.model = model
        self.chat = chat
        self.concurrency = concurrency
        self.timeout_s = timeout_s
        self.attempts = attempts
        self.backoff_s = backoff_s
        self.api_key_env = api_key_env
        self._turn = threading.Lock()

    def generate(self, draws: Sequence[Draw], decoding: Decoding) -> list[Completion | DrawFailure]:
        # Threads take turns, which keeps the limit on open requests with one event loop a call.
        with self._turn:
            return asyncio.run(self._generate(draws, decoding))

    async def _generate(
        self, draws: Sequence[Draw], decoding: Decoding
    ) -> list[Completion | DrawFailure]:
        places = asyncio.Semaphore(self.concurrency)
        key = self._key()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        # `places` limits the connections, and _post the whole request: waiting is not in it.
        limits = httpx.Limits(max_keepalive_connections=self.concurrency)
        closed: list[DrawFailure] = []
        async with httpx.AsyncClient(headers=headers, limits=limits, timeout=None) as client:  # noqa: S113

            async def draw_one(draw: Draw) -> Completion | DrawFailure:
                async with places:
                    if closed:
                        return closed[0]
                    outcome = await self._draw(client, draw, decoding)
                    if isinstance(outcome, DrawFailure) and _is_for_all(outcome):
                        closed.append(outcome)
                    return outcome

            async with asyncio.TaskGroup() as group:
                waiting = [group.create_task(draw_one(draw)) for draw in draws]
        return [done.result() for done in waiting]

    async def _draw(
        self, client: httpx.AsyncClient, draw: Draw, decoding: Decoding
    ) -> Completion | DrawFailure:
        retrying = AsyncRetrying(
            retry=retry_if_exception(_may_wait),
            stop=stop_after_attempt(self.attempts),
            wait=self._wait_s,
            reraise=True,
        )
        try:
            response: httpx.Response = await retrying(
                self._post, client, self._body(draw, decoding)
            )
            return self._completion(draw, decoding, response)
        except Unavailable as error:
            reason = f"{error} (attempts: {retrying.statistics['attempt_number']})"
            return DrawFailure(
                reason=storable(reason), transient=True, retry_after_s=error.limited_s
            )
        except Refused as error:
            reason = str(error)
            if self.chat and draw.prefix and not isinstance(error, QuotaSpent):
                reason += " (a server that cannot continue a prefix in a chat needs chat=false)"
            spent = isinstance(error, QuotaSpent)
            return DrawFailure(reason=storable(reason), transient=False, stops_run=spent)

    async def _post(self, client: httpx.AsyncClient, body: dict[str, Any]) -> httpx.Response:
        """Send one request; raises Unavailable or Refused for what is not an answer."""
        try:
            async with asyncio.timeout(self.timeout_s):
                response = await client.post(self._url, json=body)
        except TimeoutError:
            raise Unavailable(f"no answer within {self.timeout_s:g} s") from None
        except httpx.RequestError as error:
            raise Unavailable(f"no connection ({type(error).__name__})") from None
        if is_quota_spent(response):
            raise QuotaSpent(refusal(response))
        if response.status_code == 429:
            tell(retry_after_s(response.headers))
        if response.status_code == 429 or response.status_code >= 500:
            raise Unavailable(
                refusal(response),
                retry_after_s=retry_after_s(response.headers),
                is_limit=response.status_code == 429,
            )
        if response.status_code != 200:
            raise Refused(refusal(response))
        return response

    def _wait_s(self, state: RetryCallState) -> float:
        """Return the seconds before the next attempt, random so that draws come back apart."""
        backoff = wait_random_exponential(multiplier=self.backoff_s, max=LONGEST_WAIT_S)
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after_s if isinstance(error, Unavailable) else None
        if asked is None:
            return backoff(state)
        return min(asked, LONGEST_WAIT_S) + wait_random(0, self.backoff_s)(state)

    def _body(self, draw: Draw, decoding: Decoding) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.model,
            "max_tokens": decoding.max_tokens,
            "temperature": decoding.temperature,
            "top_p": decoding.top_p,
            # Servers take signed, unsigned, 32-bit and 64-bit seeds: these fit in all.
            "seed": draw.seed % 2**31,
        }
        if decoding.stop:
            body["stop"] = list(decoding.stop)
        if not self.chat:
            return body | {"prompt": draw.prompt + draw.prefix}
        messages = [{"role": "user", "content": draw.prompt}]
        if not draw.prefix:
            return body | {"messages": messages}
        messages.append({"role": "assistant", "content": draw.prefix})
        return body | {
            "messages": messages,
            "continue_final_message": True,
            "add_generation_prompt": False,
        }

    def _completion(self, draw: Draw, decoding: Decoding, response: httpx.Response) -> Completion:
        drawn = drawn_text(response, chat=self.chat)
        # Some servers return the stop string with the text.
        text = before_stop(drawn.text, decoding.stop)
        return Completion(
            text=storable(text),
            prompt_text=draw.prompt + draw.prefix,
            prompt_tokens=drawn.prompt_tokens,
            completion_tokens=drawn.completion_tokens,
            finish_reason="stop" if text != drawn.text else drawn.finish_reason,
        )

    def _key(self) -> str:
        key = os.environ.get(self.api_key_env, "").strip()
        if not (key.isascii() and key.isprintable()):
            raise ValueError(f"{self.api_key_env} holds characters that no HTTP header can carry")
        return key


def _may_wait(error: BaseException) -> bool:
    """Whether the same request is worth another attempt within this call."""
    return isinstance(error, Unavailable) and (error.limited_s or 0) <= LONGEST_WAIT_S


def _is_for_all(failure: DrawFailure) -> bool:
    """Whether the call's other draws would only be refused as well."""
    return failure.stops_run or failure.retry_after_s is not None


def _endpoint(base_url: str, *, chat: bool) -> str:
    url = httpx.URL(base_url)
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"base_url must be an http or https address, not {url!r}")
    return base_url.rstrip("/") + ("/chat/completions" if chat else "/completions")

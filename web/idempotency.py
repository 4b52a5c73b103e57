"""`Idempotency-Key`: a POST that is sent again under its key is done once, and answered the same.

The key is kept in the transaction of what the POST does, so that both are there or neither,
whenever a process is killed. A twin that comes meanwhile waits for it in PostgreSQL. An answer that
is an error keeps nothing: the key is free for another try.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, ClassVar

import orjson
from django.core.files.uploadedfile import UploadedFile
from django.db import OperationalError, connection, transaction
from django.http import QueryDict
from django.utils.translation import gettext as _
from psycopg.errors import LockNotAvailable
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from web.models import ApiToken, KeptAnswer

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
"""The header of an answer that was given before."""
LONGEST_KEY = 255
KEPT_FOR = timedelta(hours=24)
PATIENCE_MS = 10_000
"""How long a twin waits for the one before it."""

Handler = Callable[..., Response]


class InProgress(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "in_progress"


class OtherRequest(APIException):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "other_request"


class OnceView(APIView):
    """A view whose POST is done once under an Idempotency-Key.

    All that it does must be in the database, or wait for `transaction.on_commit`.
    """

    shown_once: ClassVar[Collection[str]] = ()
    """Names in an answer that are never kept: null when it is given again."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        post: Handler | None = getattr(self, "post", None)
        if request.method == "POST" and post is not None and HEADER in request.headers:
            # As DRF is about to look it up: who asks is known by now, and how often.
            vars(self)["post"] = lambda request, *args, **kwargs: once(
                request, lambda: post(request, *args, **kwargs), shown_once=self.shown_once
            )
            self.check_may_post()

    def check_may_post(self) -> None:
        """Raise as `post` would for one who may not, or no longer: an answer is told to no other.

        It is asked of each request under a key, since `post` is not when an answer is kept.
        """
        raise NotImplementedError


def once(request: Request, do: Callable[[], Response], *, shown_once: Collection[str]) -> Response:
    """Return what `do` answers to `request`, or answered when the same came under its key."""
    wanted = {
        "address": f"{request.method} {request.get_full_path()}"[:2000],
        "request_digest": _digest(request.data),
    }
    key = _key(request)
    with transaction.atomic():
        kept, is_new = _take(request, key, wanted)
        if is_new:
            response = do()
            if status.is_success(response.status_code):
                _keep(kept, response, shown_once)
            else:
                transaction.set_rollback(True)
            return response
    if (kept.address, kept.request_digest) != (wanted["address"], wanted["request_digest"]):
        raise OtherRequest(_("This Idempotency-Key was sent with another request before."))
    headers = {REPLAYED: "true", **({"Location": kept.location} if kept.location else {})}
    body = orjson.loads(kept.body) if kept.body else None
    return Response(body, status=kept.status, headers=headers)


def _key(request: Request) -> str:
    key = str(request.headers[HEADER])
    if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise ParseError(_("Idempotency-Key must be 1 to 255 visible characters, such as a UUID."))
    return key


def _take(request: Request, key: str, wanted: dict[str, str]) -> tuple[KeptAnswer, bool]:
    """Return the row of a key, and whether it is this request's own. Needs a transaction."""
    token = request.auth.digest if isinstance(request.auth, ApiToken) else ""
    with _patience(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO web_keptanswer (user_id, token, key, address, request_digest, body,"
            " location, created_at) VALUES (%s, %s, %s, %s, %s, '', '', now())"
            " ON CONFLICT DO NOTHING",
            [request.user.pk, token, key, wanted["address"], wanted["request_digest"]],
        )
        is_new = cursor.rowcount == 1
    return KeptAnswer.objects.get(user=request.user.pk, token=token, key=key), is_new


@contextmanager
def _patience() -> Iterator[None]:
    """Wait for a twin for a while only. Raises InProgress."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{PATIENCE_MS}ms"])
        try:
            yield
        except OperationalError as error:
            if isinstance(error.__cause__, LockNotAvailable):
                raise InProgress(_("The same request is being worked on. Try again.")) from error
            raise
        cursor.execute("SET LOCAL lock_timeout TO DEFAULT")


def _keep(kept: KeptAnswer, response: Response, shown_once: Collection[str]) -> None:
    body = response.data
    if isinstance(body, dict) and shown_once:
        body = {name: None if name in shown_once else value for name, value in body.items()}
    kept.status = response.status_code
    kept.body = "" if body is None else JSONRenderer().render(body).decode()
    kept.location = response.headers.get("Location", "")
    kept.save(update_fields=["status", "body", "location"])


def _digest(sent: Any) -> str:
    """Return the SHA-256 of what was sent, as it was understood."""
    digest = hashlib.sha256()
    if not isinstance(sent, QueryDict):
        # The standard library's writes whatever its reader has read: lone surrogates, any integer.
        digest.update(json.dumps(sent, sort_keys=True).encode())
        return digest.hexdigest()
    for name, values in sorted(sent.lists()):
        for value in values:
            digest.update(f"\0{name}\0".encode(errors="surrogatepass"))
            if isinstance(value, UploadedFile):
                digest.update(f"{value.name}\0".encode(errors="surrogatepass"))
                for chunk in value.chunks():
                    digest.update(chunk)
                value.seek(0)
            else:
                digest.update(str(value).encode(errors="surrogatepass"))
    return digest.hexdigest()

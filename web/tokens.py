"""How REST clients show who they are: `Authorization: Token …`."""

from typing import Any

from knox.auth import TokenAuthentication as KnoxAuthentication
from rest_framework.request import Request


class TokenAuthentication(KnoxAuthentication):
    """knox's authentication, remembering when a token was last used."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        pair: tuple[Any, Any] | None = super().authenticate(request)  # type: ignore[no-untyped-call] # knox has no types
        if pair is not None:
            pair[1].mark_used()
        return pair

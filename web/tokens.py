"""How REST clients show who they are: `Authorization: Token …`."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from knox.auth import TokenAuthentication as KnoxAuthentication
from knox.crypto import hash_token
from rest_framework.exceptions import AuthenticationFailed

from web.models import ApiToken, User


class TokenAuthentication(KnoxAuthentication):
    """knox's authentication, but a token is found by its digest, in one query.

    knox would read all tokens of the owner twice, to delete those that have expired. It remembers
    when a token was last used.
    """

    owner = ("user",)
    """What is read along with a token."""

    def authenticate_credentials(self, token: bytes) -> tuple[User, ApiToken]:
        tokens = ApiToken.objects.select_related(*self.owner)
        try:
            found = tokens.get(digest=hash_token(token.decode(errors="replace")))
        except ApiToken.DoesNotExist:
            raise AuthenticationFailed(_("Invalid token.")) from None
        if found.expiry is not None and found.expiry < timezone.now():
            raise AuthenticationFailed(_("Invalid token."))
        pair: tuple[Any, Any] = self.validate_user(found)  # type: ignore[no-untyped-call] # knox has no types
        found.mark_used()
        return pair

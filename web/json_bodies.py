"""The JSON that clients of the REST API send."""

from collections.abc import Mapping
from typing import IO, Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from web.nesting import is_too_deep


class BoundedJSONParser(JSONParser):
    """Reads a body of JSON. Raises ParseError where it is broken, or nested too deeply."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            value: Any = super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise too_deep() from None
        if isinstance(value, dict | list) and is_too_deep(value):
            raise too_deep()
        return value


def too_deep() -> ParseError:
    return ParseError(_("What was sent is nested too deeply."))

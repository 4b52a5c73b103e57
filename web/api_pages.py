"""Keyset pages for REST: the last page costs what the first does, and nothing is cut silently.

A view that uses `KeysetPagination` says its `orders`; what a client sends that is not on the list
is a 400 that says what is (`check_parameters`).
"""

import base64
import binascii
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError as BadValue
from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

Orders = Mapping[str, Sequence[str]]
"""Names of orders and the fields that each sorts by: together they are unique and never null.
The first is the usual one; each goes backwards with a "-" before its name."""

LARGEST_ID = 2**63 - 1
PAGE_SIZE = 100
LARGEST_PAGE = 1000
BY_ID: Orders = {"id": ("pk",)}


def check_parameters(request: Request, known: Collection[str]) -> None:
    """Raise ValidationError for query parameters beside `known`, and for empty or repeated ones.

    What is not understood must not look as if it had been.
    """
    wrong: dict[str, list[str]] = {}
    for name, values in request.query_params.lists():
        if name not in known:
            allowed = ", ".join(sorted(known)) or _("none")
            wrong[name] = [_("Not a parameter here. Allowed: %(names)s.") % {"names": allowed}]
        elif len(values) > 1:
            wrong[name] = [_("Say it once.")]
        elif not values[0]:
            wrong[name] = [_("Must not be empty.")]
    if wrong:
        raise ValidationError(wrong)


def order_names(orders: Orders, *, newest_first: bool = False) -> list[str]:
    signs = ("-", "") if newest_first else ("", "-")
    return [sign + name for name in orders for sign in signs]


def encode(*parts: Any) -> str:
    """Return what an address can carry of some JSON values; nobody is kept from reading it."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def decode(text: str) -> list[Any]:
    """Return what `encode` was given; raises ValidationError for what it never made."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        parts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        parts = None
    if not isinstance(parts, list):
        raise bad_cursor()
    return parts


def bad_cursor() -> ValidationError:
    return ValidationError({"cursor": [_("Not a cursor of this address and order.")]})


def limit_of(request: Request) -> int:
    """Return how many rows a client asks for; raises ValidationError for more than there may be."""
    sent = request.query_params.get("limit", str(PAGE_SIZE))
    is_number = sent.isascii() and sent.isdigit() and len(sent) < 10
    if not is_number or not 1 <= int(sent) <= LARGEST_PAGE:
        said = _("Must be a number from 1 to %(most)d.") % {"most": LARGEST_PAGE}
        raise ValidationError({"limit": [said]})
    return int(sent)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: after the row that has these values, or before it."""

    values: Sequence[Any]
    backwards: bool


class KeysetPagination(BasePagination):
    """Pages of `view.orders`: `limit` rows, in an `order`, from a `cursor` that a page gave."""

    parameters = frozenset({"cursor", "limit", "order"})
    newest_first = False

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        rows = self._page(queryset, request, view)
        self._link_ends([[getattr(row, field) for field in self.fields] for row in rows])
        return rows

    def keys(self, queryset: QuerySet[Any], request: Request, view: Any, key: str) -> list[Any]:
        """Return `key` of each row of the page, read from an index where there is one."""
        rows = self._page(queryset, request, view, key)
        self._link_ends([row[:-1] for row in rows])
        return [row[-1] for row in rows]

    def _page(
        self, queryset: QuerySet[Any], request: Request, view: Any, key: str | None = None
    ) -> list[Any]:
        self.request = request
        orders: Orders = getattr(view, "orders", BY_ID)
        self.order = self._order(orders)
        self.fields = list(orders[self.order.removeprefix("-")])
        limit, place = limit_of(request), self._place(queryset.model)
        is_backwards = place is not None and place.backwards
        is_falling = self.order.startswith("-") != is_backwards
        if place is not None:
            queryset = queryset.filter(beyond(self.fields, place.values, is_falling=is_falling))
        sign = "-" if is_falling else ""
        if key is not None:
            queryset = queryset.values_list(*self.fields, key)
        found = list(queryset.order_by(*(sign + field for field in self.fields))[: limit + 1])
        has_more, found = len(found) > limit, found[:limit]
        if is_backwards:
            found.reverse()
        self.has_next = has_more or is_backwards
        self.has_previous = has_more if is_backwards else place is not None
        return found

    def _link_ends(self, places: Sequence[Sequence[Any]]) -> None:
        """Keep where the pages around the one with rows at `places` are."""
        self.next = self.previous = None
        if places and self.has_next:
            self.next = self._link(places[-1], backwards=False)
        if places and self.has_previous:
            self.previous = self._link(places[0], backwards=True)

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, "next": self.next, "previous": self.previous})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": "string", "format": "uri", "nullable": True}
        return {
            "type": "object",
            "required": ["results", "next", "previous"],
            "properties": {
                "results": {**schema, "maxItems": LARGEST_PAGE},
                "next": {**link, "description": "Where to go on; null on the last page."},
                "previous": {**link, "description": "The way back; null on the first page."},
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        names = order_names(getattr(view, "orders", BY_ID), newest_first=self.newest_first)
        limit = {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": PAGE_SIZE}
        order = {"type": "string", "enum": names, "default": names[0]}
        return [
            _parameter("cursor", "Of a page's `next` or `previous`.", {"type": "string"}),
            _parameter("limit", "Rows of a page; a larger number is refused, never cut.", limit),
            _parameter("order", "“-” before a name: backwards.", order),
        ]

    def _order(self, orders: Orders) -> str:
        names = order_names(orders, newest_first=self.newest_first)
        order = self.request.query_params.get("order", names[0])
        if order not in names:
            raise ValidationError(
                {"order": [_("Allowed: %(names)s.") % {"names": ", ".join(names)}]}
            )
        return order

    def _place(self, model: type[Model]) -> Place | None:
        sent = self.request.query_params.get("cursor")
        if sent is None:
            return None
        match decode(sent):
            case [str(order), bool(backwards), *values] if order == self.order:
                return Place(self._values(model, values), backwards)
        raise bad_cursor()

    def _values(self, model: type[Model], values: Sequence[Any]) -> list[Any]:
        if len(values) != len(self.fields) or not all(_is_kept(str(value)) for value in values):
            raise bad_cursor()
        try:
            read = [
                _field(model, name).to_python(value)
                for name, value in zip(self.fields, values, strict=True)
            ]
        except (BadValue, TypeError, ValueError, OverflowError):
            raise bad_cursor() from None
        if any(isinstance(value, int) and abs(value) > LARGEST_ID for value in read):
            raise bad_cursor()
        return read

    def _link(self, values: Sequence[Any], *, backwards: bool) -> str:
        query = self.request.query_params.copy()
        query["cursor"] = encode(self.order, backwards, *map(str, values))
        return self.request.build_absolute_uri(f"?{query.urlencode()}")


class NewestFirst(KeysetPagination):
    """Pages whose usual order is backwards."""

    newest_first = True


def _is_kept(text: str) -> bool:
    """Return whether PostgreSQL can hold a text: no NUL, no half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


def _field(model: type[Model], name: str) -> Any:
    meta = model._meta
    return meta.pk if name == "pk" else meta.get_field(name.removesuffix("_id"))


def beyond(fields: Sequence[str], values: Sequence[Any], *, is_falling: bool) -> Q:
    """Return what is true of the rows after (or before) the one with `values`, field by field.

    The first field is bounded by itself, so that an index is entered at the place.
    """
    side = "lt" if is_falling else "gt"
    further = Q()
    for count, (field, value) in enumerate(zip(fields, values, strict=True)):
        same = dict(zip(fields[:count], values[:count], strict=True))
        further |= Q(**same, **{f"{field}__{side}": value})
    return Q(**{f"{fields[0]}__{side}e": values[0]}) & further


def _parameter(name: str, said: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": said, "schema": schema}

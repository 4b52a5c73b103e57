"""Sets of rows over REST: pages and streams of what PostgreSQL writes as JSON by itself."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django_filters import FilterSet
from rest_framework.generics import GenericAPIView, ListAPIView, RetrieveAPIView
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from web.api_filters import ListedFilterBackend
from web.api_pages import BY_ID, KeysetPagination, Orders, check_parameters
from web.etags import Tagged, etag_of, mark, unchanged
from web.ndjson import JsonRows, NdjsonRenderer, page_response, streamed, wants_stream
from web.pages import patience


class RowsView(Tagged, GenericAPIView[Any]):
    """A view over what `visible` gives, written by `rows`."""

    def visible(self) -> QuerySet[Any]:
        """Return the rows that the caller may read; raises Http404 or PermissionDenied."""
        raise NotImplementedError

    def rows(self) -> JsonRows:
        """Return how they are written for the caller."""
        raise NotImplementedError

    def filter_queryset(self, queryset: Any) -> Any:
        return queryset

    def handle_exception(self, exc: Exception) -> Response:
        # Errors are JSON for who wanted lines, too.
        self.request.accepted_renderer = JSONRenderer()
        self.request.accepted_media_type = JSONRenderer.media_type
        return super().handle_exception(exc)


class SetView(RowsView, ListAPIView[Any]):
    """A whole set: page by page, or with `Accept: application/x-ndjson` in one stream."""

    renderer_classes = (JSONRenderer, NdjsonRenderer)
    pagination_class: type[KeysetPagination] = KeysetPagination
    filter_backends = (ListedFilterBackend,)
    filterset_class: type[FilterSet] | None = None
    orders: Orders = BY_ID

    def links(self) -> Mapping[str, str]:
        """Return what a page and a stream link to beside `next` and `previous`."""
        return {}

    def stream_tag(self, found: QuerySet[Any]) -> tuple[Any, ...]:
        """Return what differs wherever the stream of `found` does."""
        return self.rows().fingerprint(found)

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        visible = self.visible()
        is_stream = wants_stream(request)
        filters = set(self.filterset_class.base_filters) if self.filterset_class else set()
        check_parameters(request, filters if is_stream else filters | KeysetPagination.parameters)
        # Before anything is read: what changes from here on is found by them.
        links = self.links()
        found = ListedFilterBackend().filter_queryset(request, visible, self)
        if is_stream:
            return self._stream(request, found, links)
        return self._page(request, found, links)

    def _page(self, request: Request, found: QuerySet[Any], links: Mapping[str, str]) -> Any:
        paginator, rows = self.pagination_class(), self.rows()
        with patience():
            keys = paginator.keys(found, request, self, rows.key)
        lines = rows.read(keys)
        around = {"next": paginator.next, "previous": paginator.previous, **links}
        return page_response(lines, around)

    def _stream(
        self, request: Request, found: QuerySet[Any], links: Mapping[str, str]
    ) -> HttpResponseBase:
        etag = etag_of(request.query_params.urlencode(), self.rows(), self.stream_tag(found))
        same = unchanged(request, etag)
        if same is not None:
            return same
        order: Sequence[str] = next(iter(self.orders.values()))
        response = mark(streamed(request, self.rows().stream(found, order)), etag)
        if links:
            response["Link"] = ", ".join(f'<{link}>; rel="{rel}"' for rel, link in links.items())
        return response


class RowView(RowsView, RetrieveAPIView[Any]):
    """One row of a set, by the keyword of its address that `by` names."""

    by: Mapping[str, str] = {"pk": "pk"}
    """Field and keyword."""

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        check_parameters(request, ())
        rows = self.rows()
        wanted = {field: kwargs[keyword] for field, keyword in self.by.items()}
        key = self.visible().filter(**wanted).values_list(rows.key, flat=True).first()
        for line in rows.read([key] if key is not None else []):
            return HttpResponse(line, content_type=JSONRenderer.media_type)
        raise Http404

"""What has changed in the annotations and the verdicts of a project since a client last asked."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from annotation import api_shapes
from annotation.api_changes import Reach, Since, changed_keys, cursor_of, since
from annotation.api_projects import ReadDoor
from annotation.api_read import Annotations, Verdicts
from annotation.models import MarkChange
from web.api_pages import LARGEST_PAGE, PAGE_SIZE, check_parameters, limit_of
from web.api_sets import RowsView
from web.ndjson import page_response

LIMIT = {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": PAGE_SIZE}
PARAMETERS = [
    OpenApiParameter(
        "cursor", OpenApiTypes.STR, required=True, description="Of the link `changes` or `next`."
    ),
    OpenApiParameter("limit", LIMIT, description="Changes of a page."),
]


class ChangesView(ReadDoor, RowsView):
    """The keys that were touched since `cursor`, each with its row as it is now, or null."""

    kind: str

    def changed(self, request: Request) -> Any:
        check_parameters(request, ("cursor", "limit"))
        visible, rows = self.visible(), self.rows()
        reach = Reach.of(self.user, self.project)
        if "cursor" not in request.query_params:
            raise ValidationError({"cursor": [_("Is needed: the whole set links to it.")]})
        seen = since(request.query_params["cursor"], self.kind, reach)
        limit = limit_of(request)
        changed = changed_keys(self.project, self.kind, reach, seen, limit + 1)
        has_more, changed = len(changed) > limit, changed[:limit]
        keys = list(dict.fromkeys(key for _, _, key in changed))
        in_force = visible.filter(**{f"{rows.key}__in": keys}).values_list(rows.key, flat=True)
        now = dict(rows.keyed(list(in_force)))
        lines = [b'{"key":%d,"value":%b}' % (key, now.get(key, b"null")) for key in keys]
        if changed:
            seen = Since(*changed[-1][:2])
        link = self._link(cursor_of(seen, self.kind, reach))
        return page_response(lines, {"next": link if has_more else None, "changes": link})

    def _link(self, cursor: str) -> str:
        query = self.request.query_params.copy()
        query["cursor"] = cursor
        return self.request.build_absolute_uri(f"?{query.urlencode()}")


class AnnotationChangesView(Annotations, ChangesView):
    """The annotations that were made, corrected or removed since."""

    kind = MarkChange.Kind.ANNOTATION

    @extend_schema(parameters=PARAMETERS, responses=api_shapes.AnnotationChangesShape)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        return self.changed(request)


class VerdictChangesView(Verdicts, ChangesView):
    """The steps on which something else is agreed since, or nothing any more."""

    kind = MarkChange.Kind.VERDICT

    @extend_schema(parameters=PARAMETERS, responses=api_shapes.VerdictChangesShape)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        return self.changed(request)

"""What may be asked of frozen versions over REST: what two differ in, and how long rows are."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api_answers import RunShape
from datasets_app import snapshots
from datasets_app.api import DatasetsDoor
from datasets_app.token_lengths import MAX_LENGTH
from web.api_bodies import Body

LARGEST_VERSION = 2**31 - 1


class ComparisonFields(Body[Any]):
    before = serializers.IntegerField(
        min_value=1, max_value=LARGEST_VERSION, help_text="Another frozen version."
    )


class TokenLengthFields(Body[Any]):
    tokenizer = serializers.CharField(
        max_length=200, help_text="A name on the hub, or a folder of the worker's."
    )
    max_length = serializers.IntegerField(
        min_value=1, max_value=10_000_000, default=MAX_LENGTH, help_text="Tokens."
    )


class ComparisonsView(DatasetsDoor):
    @extend_schema(request=ComparisonFields, responses={202: RunShape})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Compare a version with another one of its dataset: 202, and a run to follow.

        Then it has a file `compared-with-vN.json`: problems, solutions and marks that were added,
        removed and changed since version N.
        """
        after, sent = self.frozen_snapshot, self.sent(ComparisonFields)
        before = self.dataset.snapshots.frozen().filter(version=sent["before"]).first()
        if before is None:
            raise ValidationError({"before": [_("No frozen version has this number.")]})
        return self.begun(snapshots.begin_comparison(before=before, after=after, user=self.user))


class TokenLengthsView(DatasetsDoor):
    def check_may_post(self) -> None:
        super().check_may_post()
        if not self.user.is_superuser:
            raise PermissionDenied

    @extend_schema(request=TokenLengthFields, responses={202: RunShape})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Count a version's rows under a tokenizer: 202, and a run to follow.

        Then it has a file in `token-lengths/`, and its page shows it. For superusers: the site's
        own workers open the folder, or fetch from the hub.
        """
        self.check_may_post()
        snapshot, sent = self.frozen_snapshot, self.sent(TokenLengthFields)
        return self.begun(snapshots.begin_token_lengths(snapshot=snapshot, user=self.user, **sent))

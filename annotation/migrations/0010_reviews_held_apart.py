"""Whoever holds a slot as a reviewer is given work of the people's queue all the same."""

from importlib import import_module
from typing import ClassVar

from django.db import migrations

BEFORE = import_module("annotation.migrations.0004_claiming").CLAIM.replace(
    "CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"
)
EVERY_HOLD = """
    CROSS JOIN LATERAL (SELECT * FROM annotation_lease WHERE id = mine.lease OFFSET 0) AS hold
    WHERE ended_at IS NULL;
"""
# What a reviewer holds stays among the leases that each new one knows, and counts for none.
COUNTED = (
    "count(*) FILTER (WHERE corrects_id IS NULL",
    "count(*) FILTER (WHERE NOT for_reviewers AND corrects_id IS NULL",
)
WITH_ITS_SLOT = """
    CROSS JOIN LATERAL (
        SELECT lease.*, slot.for_reviewers FROM annotation_lease AS lease
        JOIN annotation_assignment AS slot ON slot.id = lease.assignment_id
        WHERE lease.id = mine.lease OFFSET 0
    ) AS hold
    WHERE ended_at IS NULL;
"""
AFTER = BEFORE.replace(EVERY_HOLD, WITH_ITS_SLOT).replace(*COUNTED)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("annotation", "0009_estimated_calls")]

    operations: ClassVar = [migrations.RunSQL(AFTER, BEFORE)]

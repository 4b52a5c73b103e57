"""Verdicts follow marks in every project, and no solution waits for what a Run had given up."""

from typing import ClassVar

from django.db import migrations

# Of a Run that has ended nothing is open but what failed for passing reasons.
FAIL_WHAT_WAS_GIVEN_UP = """
UPDATE annotation_assignment AS slot
SET state = 'failed', error = 'The run had given it up.'
FROM labelers_labeler AS labeler
JOIN annotation_run AS run ON run.request ->> 'labeler' = labeler.uuid::text
WHERE slot.labeler_id = labeler.id AND slot.state = 'open' AND slot.is_named
    AND run.project_id = slot.project_id AND run.kind = 'labelling' AND run.state = 'finished';
"""
LOOK_AGAIN = """
INSERT INTO annotation_reconsideration (project_id, solution_id)
SELECT solution.project_id, solution.id
FROM annotation_solution AS solution
WHERE EXISTS (SELECT FROM annotation_annotation AS made WHERE made.solution_id = solution.id)
    OR EXISTS (
        SELECT FROM annotation_assignment AS slot
        WHERE slot.solution_id = solution.id AND slot.is_named AND slot.state IN ('open', 'failed')
    );
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("annotation", "0010_reviews_held_apart")]

    operations: ClassVar = [
        migrations.RunSQL(FAIL_WHAT_WAS_GIVEN_UP, migrations.RunSQL.noop),
        migrations.RunSQL(LOOK_AGAIN, migrations.RunSQL.noop),
    ]

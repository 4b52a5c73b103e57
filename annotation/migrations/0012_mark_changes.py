"""What has become of annotations and verdicts, written by triggers (ADR 10)."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models

import annotation.models.mark_changes

# What a statement wrote or deleted is `touched`; `was` is what it found.
TRIGGERS = """
CREATE FUNCTION annotation_changes_of_annotations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO annotation_markchange (project_id, kind, key, labeler_id)
    SELECT project_id, 'annotation', id, labeler_id FROM touched
    UNION ALL
    SELECT corrected.project_id, 'annotation', corrected.id, corrected.labeler_id
    FROM touched JOIN annotation_annotation AS corrected ON corrected.id = touched.supersedes_id;
    RETURN NULL;
END $$;

CREATE FUNCTION annotation_changes_of_labels() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO annotation_markchange (project_id, kind, key, labeler_id)
    SELECT DISTINCT marked.project_id, 'annotation', marked.id, marked.labeler_id
    FROM touched JOIN annotation_annotation AS marked ON marked.id = touched.annotation_id;
    RETURN NULL;
END $$;

CREATE FUNCTION annotation_changes_of_steps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO annotation_markchange (project_id, kind, key, labeler_id)
    SELECT DISTINCT marked.project_id, 'annotation', marked.id, marked.labeler_id
    FROM touched
    JOIN was ON was.id = touched.id
    JOIN annotation_steplabel AS label ON label.step_id = touched.id
    JOIN annotation_annotation AS marked ON marked.id = label.annotation_id
    WHERE (was.position, was.alternative, was.text)
        IS DISTINCT FROM (touched.position, touched.alternative, touched.text);
    RETURN NULL;
END $$;

CREATE FUNCTION annotation_changes_of_verdicts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO annotation_markchange (project_id, kind, key)
    SELECT solution.project_id, 'verdict', touched.step_id
    FROM touched JOIN annotation_solution AS solution ON solution.id = touched.solution_id;
    RETURN NULL;
END $$;

CREATE TRIGGER changes_of_new_annotations AFTER INSERT ON annotation_annotation
    REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION annotation_changes_of_annotations();
CREATE TRIGGER changes_of_changed_annotations AFTER UPDATE ON annotation_annotation
    REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION annotation_changes_of_annotations();
CREATE TRIGGER changes_of_deleted_annotations AFTER DELETE ON annotation_annotation
    REFERENCING OLD TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION annotation_changes_of_annotations();
CREATE TRIGGER changes_of_changed_labels AFTER UPDATE ON annotation_steplabel
    REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION annotation_changes_of_labels();
CREATE TRIGGER changes_of_deleted_labels AFTER DELETE ON annotation_steplabel
    REFERENCING OLD TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION annotation_changes_of_labels();
CREATE TRIGGER changes_of_changed_steps AFTER UPDATE ON annotation_step
    REFERENCING NEW TABLE AS touched OLD TABLE AS was
    FOR EACH STATEMENT EXECUTE FUNCTION annotation_changes_of_steps();
CREATE TRIGGER changes_of_new_verdicts AFTER INSERT ON annotation_verdict
    REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION annotation_changes_of_verdicts();
CREATE TRIGGER changes_of_changed_verdicts AFTER UPDATE ON annotation_verdict
    REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION annotation_changes_of_verdicts();
CREATE TRIGGER changes_of_deleted_verdicts AFTER DELETE ON annotation_verdict
    REFERENCING OLD TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION annotation_changes_of_verdicts();
"""

NO_TRIGGERS = """
DROP FUNCTION annotation_changes_of_annotations, annotation_changes_of_labels,
    annotation_changes_of_steps, annotation_changes_of_verdicts CASCADE;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("annotation", "0011_verdicts_everywhere")]

    operations: ClassVar = [
        migrations.CreateModel(
            "MarkChange",
            [
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("annotation", "Annotation"), ("verdict", "Verdict")],
                        max_length=10,
                    ),
                ),
                (
                    "key",
                    models.BigIntegerField(
                        help_text="The annotation, or the step of the verdict."
                    ),
                ),
                (
                    "labeler_id",
                    models.BigIntegerField(help_text="Whose annotation it is.", null=True),
                ),
                (
                    "xid",
                    annotation.models.mark_changes.TransactionId(
                        db_default=annotation.models.mark_changes.CurrentTransaction()
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="annotation.project",
                    ),
                ),
            ],
            {
                "indexes": [
                    models.Index(
                        fields=["project", "kind", "xid", "id"], name="mark_change_in_order"
                    )
                ]
            },
        ),
        migrations.RunSQL(TRIGGERS, NO_TRIGGERS),
    ]

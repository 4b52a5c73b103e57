"""Indexes to browse solutions by, and the one across tables that triggers keep (ADR 8)."""

from typing import Any, ClassVar

import django.db.models.deletion
from django.db import migrations, models

# What a statement wrote is `written`, what it deleted is `deleted`.
TRIGGERS = """
CREATE FUNCTION annotation_traits_of_labels() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO annotation_solutiontrait (project_id, kind, solution_id, annotation_id)
    SELECT DISTINCT annotation.project_id, trait.kind, annotation.solution_id, annotation.id
    FROM written AS label
    CROSS JOIN LATERAL (
        VALUES ('bad', label.rating = -1), ('okay', label.rating = 0), ('flagged', label.flagged)
    ) AS trait (kind, holds)
    JOIN annotation_annotation AS annotation ON annotation.id = label.annotation_id
    WHERE trait.holds
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE FUNCTION annotation_traits_of_annotations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM annotation_solutiontrait AS trait USING written AS annotation
    WHERE trait.project_id = annotation.project_id AND trait.kind = 'unmarked'
        AND trait.solution_id = annotation.solution_id AND trait.annotation_id = 0;
    RETURN NULL;
END $$;

CREATE FUNCTION annotation_traits_of_deleted_annotations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM annotation_solutiontrait AS trait USING deleted AS annotation
    WHERE trait.project_id = annotation.project_id
        AND trait.kind IN ('bad', 'okay', 'flagged')
        AND trait.solution_id = annotation.solution_id AND trait.annotation_id = annotation.id;
    INSERT INTO annotation_solutiontrait (project_id, kind, solution_id, annotation_id)
    SELECT DISTINCT annotation.project_id, 'unmarked', annotation.solution_id, 0
    FROM deleted AS annotation
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE FUNCTION annotation_traits_of_solutions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO annotation_solutiontrait (project_id, kind, solution_id, annotation_id)
    SELECT solution.project_id, 'unmarked', solution.id, 0 FROM written AS solution
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE FUNCTION annotation_traits_of_deleted_solutions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM annotation_solutiontrait AS trait USING deleted AS solution
    WHERE trait.project_id = solution.project_id AND trait.kind = 'unmarked'
        AND trait.solution_id = solution.id;
    RETURN NULL;
END $$;

CREATE TRIGGER traits_of_new_labels AFTER INSERT ON annotation_steplabel
    REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION annotation_traits_of_labels();
CREATE TRIGGER traits_of_changed_labels AFTER UPDATE ON annotation_steplabel
    REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION annotation_traits_of_labels();
CREATE TRIGGER traits_of_new_annotations AFTER INSERT ON annotation_annotation
    REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION annotation_traits_of_annotations();
CREATE TRIGGER traits_of_deleted_annotations AFTER DELETE ON annotation_annotation
    REFERENCING OLD TABLE AS deleted
    FOR EACH STATEMENT EXECUTE FUNCTION annotation_traits_of_deleted_annotations();
CREATE TRIGGER traits_of_new_solutions AFTER INSERT ON annotation_solution
    REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION annotation_traits_of_solutions();
CREATE TRIGGER traits_of_deleted_solutions AFTER DELETE ON annotation_solution
    REFERENCING OLD TABLE AS deleted
    FOR EACH STATEMENT EXECUTE FUNCTION annotation_traits_of_deleted_solutions();
"""

NO_TRIGGERS = """
DROP FUNCTION annotation_traits_of_labels, annotation_traits_of_annotations,
    annotation_traits_of_deleted_annotations, annotation_traits_of_solutions,
    annotation_traits_of_deleted_solutions CASCADE;
"""

WHAT_IS_THERE = """
INSERT INTO annotation_solutiontrait (project_id, kind, solution_id, annotation_id)
SELECT DISTINCT annotation.project_id, trait.kind, annotation.solution_id, annotation.id
FROM annotation_steplabel AS label
CROSS JOIN LATERAL (
    VALUES ('bad', label.rating = -1), ('okay', label.rating = 0), ('flagged', label.flagged)
) AS trait (kind, holds)
JOIN annotation_annotation AS annotation ON annotation.id = label.annotation_id
WHERE trait.holds;
INSERT INTO annotation_solutiontrait (project_id, kind, solution_id, annotation_id)
SELECT solution.project_id, 'unmarked', solution.id, 0
FROM annotation_solution AS solution
WHERE NOT EXISTS (
    SELECT FROM annotation_annotation AS annotation WHERE annotation.solution_id = solution.id
);
"""


def trait_of(model: str) -> "models.ForeignKey[Any, Any]":
    return models.ForeignKey(
        f"annotation.{model}",
        django.db.models.deletion.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("annotation", "0002_labelling_workplace"),
        ("labelers", "0001_initial"),
    ]

    operations: ClassVar = [
        migrations.AddIndex(
            "solution", models.Index(fields=["project", "model", "id"], name="solution_by_model")
        ),
        migrations.AddIndex(
            "solution",
            models.Index(fields=["project", "is_correct", "id"], name="solution_by_answer"),
        ),
        migrations.AddIndex(
            "annotation",
            models.Index(fields=["project", "labeler", "solution"], name="annotation_of_labeler"),
        ),
        migrations.AddIndex(
            "annotation",
            models.Index(
                fields=["project", "finish_reason", "solution"], name="annotation_by_reason"
            ),
        ),
        migrations.AddIndex(
            "annotation",
            models.Index(
                fields=["project", "solution"],
                condition=~models.Q(bad_splits=[]),
                name="annotation_of_bad_split",
            ),
        ),
        migrations.CreateModel(
            "SolutionTrait",
            [
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "project_id",
                        "kind",
                        "solution_id",
                        "annotation_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("project", trait_of("Project")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("bad", "a Bad"),
                            ("okay", "an Okay"),
                            ("flagged", "a flag"),
                            ("unmarked", "no mark at all"),
                        ],
                        max_length=10,
                    ),
                ),
                ("solution", trait_of("Solution")),
                ("annotation", trait_of("Annotation")),
            ],
            {"verbose_name": "solution trait"},
        ),
        migrations.RunSQL(TRIGGERS, NO_TRIGGERS),
        migrations.RunSQL(WHAT_IS_THERE, migrations.RunSQL.noop),
    ]

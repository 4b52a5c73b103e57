"""Queues of any length for the benchmarks, written by SQL as routing and submitting would."""

from collections.abc import Sequence

from django.db import connection, transaction

from annotation.models import Project
from bench.scratch import PROJECT, empty_tables
from labelers.models import Labeler

OVERLAP = 3
_QUEUE_TABLES = ("annotation_assignment", "annotation_lease", "annotation_annotation")

_SOLUTIONS = """
INSERT INTO annotation_problem (project_id, text, reference_answer, key, external_id, source,
    split, subject, level, metadata, created_at)
VALUES (%(project)s, 'A shelf holds 21 books and 3 fall. How many are left?', '18',
    gen_random_uuid(), '', '', '', '', '', '{}', now());

INSERT INTO annotation_solution (project_id, problem_id, text, text_key, built, splitter,
    splitter_version, engine, model, prompt_name, prompt_text, parameters, writer_key, stopped_by,
    times_drawn, final_answer, grader, metadata, created_at)
SELECT %(project)s, (SELECT max(id) FROM annotation_problem), 'Some books: ' || n,
    gen_random_uuid(), false, 'newline', 1, 'scripted', '', '', '', '{}', gen_random_uuid(), '',
    1, n, '', '{}', now()
FROM generate_series(1, %(solutions)s) AS n ORDER BY n;

INSERT INTO annotation_step (solution_id, position, alternative, text, writer)
SELECT solution.id, position, 0, 'We take ' || position || ' of the books away.', 'model'
FROM annotation_solution AS solution CROSS JOIN generate_series(0, %(steps)s - 1) AS position
ORDER BY solution.id, position;
"""

# One slot each of the best solutions, by one labeler, whose last lease says how far they have read.
_MARKED = """
CREATE TEMPORARY TABLE marked ON COMMIT DROP AS
SELECT min(id) AS id, solution_id FROM annotation_assignment
GROUP BY solution_id ORDER BY min(id) LIMIT %(count)s;

UPDATE annotation_assignment AS slot SET state = 'submitted', labeler_id = %(labeler)s
FROM marked WHERE slot.id = marked.id;

INSERT INTO annotation_lease (project_id, labeler_id, solution_id, assignment_id, claimed_at,
    began_at, until, ended_at, outcome, draft, draft_version, open_before, lane_round,
    lane_priority, lane_id, lane_reopened)
SELECT %(project)s, %(labeler)s, solution_id, id, now(), now(), now(), now(), 'submitted', '{}', 1,
    '{}', %(round)s, 0, id, 0
FROM marked ORDER BY id;

INSERT INTO annotation_annotation (project_id, labeler_id, solution_id, assignment_id, is_surplus,
    finish_reason, comment, bad_splits, is_practice, is_quality_control, is_screening, evidence,
    shape, submitted_at)
SELECT %(project)s, %(labeler)s, solution_id, id, false, 'solution', '', '{}', false, false, false,
    '{}', '{}', now()
FROM marked ORDER BY id;
"""

# As routing makes them, in its order, without its batches.
_ROUTED = """
INSERT INTO annotation_assignment
    (project_id, solution_id, is_named, state, priority, reason, error, created_at)
SELECT project_id, id, false, 'open', 0, '', '', now()
FROM annotation_solution CROSS JOIN generate_series(1, %(overlap)s)
WHERE project_id = %(project)s ORDER BY id;

UPDATE annotation_project SET routing_round = routing_round + 1 WHERE id = %(project)s;
"""

# Slots of marked solutions beyond the first: by somebody else, as if they had marked them too.
_MARKED_BY_OTHERS = """
UPDATE annotation_assignment AS slot SET state = 'submitted', labeler_id = %(labeler)s
WHERE slot.id IN (
    SELECT min(open.id) FROM annotation_assignment AS open
    JOIN annotation_assignment AS marked USING (solution_id)
    WHERE open.state = 'open' AND marked.state = 'submitted'
    GROUP BY solution_id ORDER BY solution_id LIMIT %(count)s
);
"""

_SUBMITTED = """
WITH ended AS (
    UPDATE annotation_lease SET ended_at = now(), outcome = 'submitted'
    WHERE id = ANY(%(leases)s)
    RETURNING id, project_id, labeler_id, solution_id, assignment_id
),
slot AS (
    UPDATE annotation_assignment SET state = 'submitted'
    WHERE id IN (SELECT assignment_id FROM ended)
)
INSERT INTO annotation_annotation (project_id, labeler_id, solution_id, assignment_id, lease_id,
    is_surplus, finish_reason, comment, bad_splits, is_practice, is_quality_control, is_screening,
    evidence, shape, submitted_at)
SELECT project_id, labeler_id, solution_id, assignment_id, id, false, 'solution', '', '{}', false,
    false, false, '{}', '{}', now()
FROM ended ORDER BY id
"""


def fill(solutions: int, *, steps: int = 0, overlap: int = OVERLAP) -> Project:
    """Empty the tables and make one project with `solutions`, routed to people."""
    empty_tables()
    Project.objects.filter(slug=PROJECT).delete()
    project = Project.objects.create(slug=PROJECT, name=PROJECT, overlap=overlap)
    values = {"project": project.pk, "solutions": solutions, "steps": steps}
    with connection.cursor() as cursor:
        cursor.execute(_SOLUTIONS, values)
        cursor.execute(_ROUTED, {"project": project.pk, "overlap": overlap})
    project.refresh_from_db()
    return project


def make_labeler(name: str) -> Labeler:
    return Labeler.objects.create(kind=Labeler.Kind.PERSON, name=name)


def mark_best(labeler: Labeler, project: Project, count: int) -> None:
    """Have `labeler` marked the first `count` solutions of the queue."""
    values = {
        "project": project.pk,
        "labeler": labeler.pk,
        "round": project.routing_round,
        "count": count,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_MARKED, values)


def mark_by_another(labeler: Labeler, count: int) -> None:
    """Have `labeler` submitted one open slot of each of the first `count` marked solutions."""
    with connection.cursor() as cursor:
        cursor.execute(_MARKED_BY_OTHERS, {"labeler": labeler.pk, "count": count})


def submit(lease_ids: Sequence[int]) -> None:
    """End leases as submitting does, in one cheap statement."""
    with connection.cursor() as cursor:
        cursor.execute(_SUBMITTED, {"leases": list(lease_ids)})


def settle_queue() -> None:
    """Bring the queue's tables to rest, so that what was done before is not paid for later."""
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM ANALYZE {', '.join(_QUEUE_TABLES)}")

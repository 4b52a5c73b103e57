"""Browsing solutions: the last page of a list of 1M steps against its first, filter by filter.

The marks lie as a queue leaves them, on the older solutions, and one model wrote the newest: what
a filter asks for is spread unevenly, so that reading past the rest would show.
"""

import statistics
import time
from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.http import QueryDict

from annotation.browsing import walk
from annotation.filters import SolutionFilter
from annotation.lists import solution_page
from annotation.models import Project
from bench.scratch import PROJECT, settle
from labelers.models import Labeler
from web.models import User
from web.pages import PAGE_SIZE

LIMIT = 2.0
ROUNDS = 21
STEPS = 4

_FILL = """
INSERT INTO annotation_problem (project_id, text, reference_answer, key, external_id, source,
    split, subject, level, metadata, created_at)
SELECT {project}, 'A shelf holds ' || n || ' books and 3 fall. How many are left?', n - 3,
    gen_random_uuid(), '', '', '', '', '', '{{}}', now()
FROM generate_series(1, {solutions} / 4) AS n;

INSERT INTO annotation_solution (project_id, problem_id, text, text_key, built, splitter,
    splitter_version, engine, model, prompt_name, prompt_text, parameters, writer_key, stopped_by,
    times_drawn, final_answer, is_correct, grader, metadata, created_at)
SELECT {project}, (SELECT min(id) FROM annotation_problem) + n / 4 % ({solutions} / 4),
    'Some ' || n || ' books.', gen_random_uuid(), false, 'newline', 1, 'scripted',
    CASE WHEN n < {solutions} * 0.9 THEN 'small' ELSE 'large' END, '', '', '{{}}',
    gen_random_uuid(), '', 1, n, CASE WHEN n % 100 = 0 THEN NULL ELSE n % 3 = 0 END, '', '{{}}',
    now()
FROM generate_series(1, {solutions}) AS n ORDER BY n;

INSERT INTO annotation_step (solution_id, position, alternative, text, writer)
SELECT solution.id, position, 0,
    'We count the books on shelf ' || solution.id || ' and take ' || position || ' of them away.',
    'model'
FROM annotation_solution AS solution CROSS JOIN generate_series(0, {steps} - 1) AS position
ORDER BY solution.id, position;

INSERT INTO annotation_annotation (project_id, labeler_id, solution_id, is_surplus,
    finish_reason, comment, bad_splits, is_practice, is_quality_control, is_screening, evidence,
    shape, submitted_at)
SELECT {project}, (ARRAY[{labelers}])[1 + solution.id % 2], solution.id, false,
    CASE WHEN solution.id % 50 = 0 THEN 'give_up' WHEN solution.id % 8 < 5 THEN 'found_error'
        ELSE 'solution' END,
    '', CASE WHEN solution.id % 400 = 0 THEN '{{1}}'::smallint[] ELSE '{{}}' END,
    false, false, false, '{{}}', '{{}}', now() + solution.id * interval '1 second'
FROM annotation_solution AS solution ORDER BY solution.id LIMIT {solutions} * 7 / 10;

INSERT INTO annotation_steplabel (annotation_id, step_id, rating, flagged, comment, shown_order)
SELECT annotation.id, step.id,
    CASE WHEN finish_reason = 'found_error' AND position = {steps} - 1 THEN -1
        WHEN step.id % 7 = 0 THEN 0 ELSE 1 END,
    step.id % 2000 = 0, '', 0
FROM annotation_annotation AS annotation
JOIN annotation_step AS step ON step.solution_id = annotation.solution_id
ORDER BY annotation.id, position;
"""


def measure(solutions: int) -> Iterator[dict[str, Any]]:
    """Fill the scratch database and yield two bars, time and buffers, for each filter."""
    user, project = fill(solutions)
    settle()
    for name, query in filters():
        yield from _compare(name, query, project, user)


def fill(solutions: int) -> tuple[User, Project]:
    user = User.objects.create(username="bench", is_superuser=True)
    project = Project.objects.create(slug=PROJECT, name=PROJECT)
    labelers = [
        Labeler.objects.create(kind=Labeler.Kind.PERSON, name=f"labeler {n}") for n in range(2)
    ]
    statement = _FILL.format(
        project=project.pk,
        solutions=solutions,
        steps=STEPS,
        labelers=", ".join(str(labeler.pk) for labeler in labelers),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)
    return user, project


def filters() -> Iterator[tuple[str, str]]:
    """Yield the name of each filter and a query that asks for it."""
    yield "no filter", ""
    yield "newest first", "order=newest"
    yield "model", "model=large"
    yield "answer", "answer=wrong"
    yield "answer not graded", "answer=unknown"
    yield "finish reason", "reason=give_up"
    yield "labeler", f"labeler={Labeler.objects.earliest('pk').uuid}"
    yield "contains Bad", "mark=bad"
    yield "contains Okay", "mark=okay"
    yield "flagged", "mark=flagged"
    yield "unmarked", "mark=unmarked"
    yield "bad split", "bad_split=yes"


def _compare(name: str, query: str, project: Project, user: User) -> Iterator[dict[str, Any]]:
    form = SolutionFilter(QueryDict(query), project, graded=True, reads_marks=True)
    asked = form.asked()
    assert asked is not None
    found = walk(asked, project, user)
    # The end of the list is the start of the list the other way round.
    last = found.ids(None, backwards=True, limit=PAGE_SIZE + 1)[-1]
    pages = {None: query, last: f"{query}&after={last}".lstrip("&")}
    seconds: dict[int | None, list[float]] = {place: [] for place in pages}
    for _ in range(ROUNDS):
        for place, address in pages.items():
            began = time.perf_counter()
            page = solution_page(asked, project, user, QueryDict(address))
            seconds[place].append(time.perf_counter() - began)
            assert len(page.rows) == PAGE_SIZE
    first_ms, last_ms = (1000 * statistics.median(seconds[place]) for place in pages)
    yield _bar(f"browse, {name}: last page against first", "ms", last_ms, first_ms)
    touched = {place: buffers(found.query(place, limit=PAGE_SIZE + 1)) for place in pages}
    name = f"browse, {name}: buffers of last page against first"
    yield _bar(name, "buffers", touched[last], touched[None])


def buffers(ids: Any) -> int:
    """Return how many buffers a query touches, found in memory or not."""
    statement, parameters = ids.query.sql_with_params()
    with connection.cursor() as cursor:
        explain = "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON)"
        cursor.execute(f"{explain} {statement}", parameters)
        plan = cursor.fetchone()[0][0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def _bar(name: str, unit: str, last: float, first: float) -> dict[str, Any]:
    return {
        "name": name,
        "unit": unit,
        "measured": round(last, 2),
        "reference": round(first, 2),
        "ratio": round(last / first, 3),
        "limit": LIMIT,
        "limit_kind": "at most",
    }

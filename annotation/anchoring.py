"""The models' marks beside a person's work, and how often people overrule them (anchoring).

Whether the page of a slot shows them is drawn when the slot is made (`route`), so that people who
saw them and people who did not can be compared.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from annotation.cases import counts, first_error, labelers_of
from annotation.consensus import policy_of
from annotation.models import Annotation, Lease, Project, StepLabel

# What counts is as in `cases`; a model's marks count that were there when the person came. Whoever
# held a slot before that shows marks has seen them, though the page of this one hides them.
_OVERRULED = f"""
WITH model AS (
    SELECT annotation.* FROM annotation_annotation AS annotation
    WHERE annotation.project_id = %(project)s AND annotation.labeler_id = ANY (%(models)s)
        AND {counts("annotation")}
),
pair AS (
    SELECT model.labeler_id, model.id AS model, person.id AS person,
        slot.shows_marks OR EXISTS (
            SELECT FROM annotation_lease AS hold
            JOIN annotation_assignment AS other ON other.id = hold.assignment_id
            WHERE hold.solution_id = person.solution_id AND hold.labeler_id = person.labeler_id
                AND other.shows_marks
        ) AS shows_marks
    FROM annotation_assignment AS slot
    JOIN annotation_annotation AS person ON person.assignment_id = slot.id
    JOIN annotation_lease AS lease ON lease.id = person.lease_id
    JOIN model ON model.solution_id = person.solution_id AND model.submitted_at <= lease.claimed_at
    WHERE slot.project_id = %(project)s AND NOT slot.is_named AND slot.state = 'submitted'
        AND {counts("person")}
)
SELECT labeler_id, shows_marks, count(*), count(*) FILTER (WHERE one.at <> other.at)
FROM pair
CROSS JOIN LATERAL ({first_error("pair.model")}) AS one (at)
CROSS JOIN LATERAL ({first_error("pair.person")}) AS other (at)
WHERE one.at IS NOT NULL AND other.at IS NOT NULL
GROUP BY labeler_id, shows_marks
"""  # noqa: S608 - conditions of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """How often people named another first error than a model, of how often both named one."""

    overruled: int = 0
    compared: int = 0

    @property
    def percent(self) -> float:
        return 100 * self.overruled / self.compared if self.compared else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Overruled:
    """One model labeler, judged by people who did not see its marks and by those who did."""

    name: str
    blind: Arm
    shown: Arm


def hides_marks(lease: Lease) -> bool:
    """Whether nothing that models say may be on the page of a lease: that of a blind slot, where
    a policy has models mark first, and of a reviewer's."""
    if lease.assignment.for_reviewers:
        return True
    has_arms = lease.project.is_routed and bool(policy_of(lease.project).first)
    return has_arms and not lease.assignment.shows_marks


def suggestions(lease: Lease) -> Mapping[int, list[dict[str, Any]]]:
    """Return what the page of a lease shows of the models' marks, by step: mostly nothing.

    The ratings of the labelers that mark first, by name, where the slot is one that shows them.
    """
    if not (lease.project.is_routed and lease.assignment.shows_marks):
        return {}
    names = labelers_of(policy_of(lease.project))
    annotations = Annotation.objects.in_force().filter(
        solution=lease.solution_id, labeler__in=names
    )
    labels = StepLabel.objects.filter(annotation__in=annotations, rating__isnull=False)
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for step, labeler, rating in labels.values_list("step", "annotation__labeler", "rating"):
        found[step].append({"labeler": names[labeler], "rating": rating})
    for marks in found.values():
        marks.sort(key=lambda mark: mark["labeler"])
    return found


def overruled(project: Project) -> list[Overruled]:
    """Return how often people overruled each model that the policy names, in the order of names."""
    names = labelers_of(policy_of(project))
    arms: dict[tuple[int, bool], Arm] = {}
    with connection.cursor() as cursor:
        cursor.execute(_OVERRULED, {"project": project.pk, "models": list(names)})
        for labeler, shown, compared, differing in cursor.fetchall():
            arms[labeler, shown] = Arm(overruled=differing, compared=compared)
    return [
        Overruled(
            name=name,
            blind=arms.get((labeler, False), Arm()),
            shown=arms.get((labeler, True), Arm()),
        )
        for labeler, name in sorted(names.items(), key=lambda one: one[1])
    ]

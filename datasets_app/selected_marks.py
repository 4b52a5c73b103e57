"""Which annotations a version of a dataset is made of."""

from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from annotation.models import Annotation, Project, StepLabel
from annotation.models.marks import AnnotationQuerySet
from datasets_app.quality import below
from datasets_app.rules import BadRules, Rules
from labelers.models import Labeler


def annotations(project: Project, rules: Rules) -> tuple[AnnotationQuerySet, list[dict[str, Any]]]:
    """Return the annotations in force that the rules ask for, and which labelers are left out.

    Of these the name, and the lower bound of their quality. Raises BadRules.
    """
    found = Annotation.objects.in_force().filter(project=project).order_by()
    if not rules.surplus:
        found = found.in_slots()
    found = _by_labelers(found, project, rules)
    poor = [] if rules.minimum_quality is None else list(below(project, rules.minimum_quality))
    found = found.exclude(labeler__in=[labeler for labeler, _ in poor])
    # Some judges score solutions alone: there is nothing to learn from of steps.
    rated = StepLabel.objects.filter(annotation=OuterRef("pk")).exclude(rating=None)
    found = found.exclude(~Exists(rated), labeler__kind=Labeler.Kind.MODEL)
    reasons = ["" if one == "none" else one for one in rules.finish_reasons]
    found = found.filter(finish_reason__in=reasons)
    if rules.generations is not None:
        wanted = generations(rules)
        asked = Q(generation__in=wanted["generations"])
        found = found.filter(asked | Q(generation=None) if wanted["with_none"] else asked)
    if not rules.quality_control:
        found = found.filter(is_quality_control=False)
    if not rules.screening:
        found = found.filter(is_screening=False)
    if rules.marks == "people_over_models":
        person = Labeler.Kind.PERSON
        by_people = (
            Annotation.objects.in_force()
            .filter(project=project, labeler__kind=person)
            .values("solution")
        )
        found = found.filter(Q(labeler__kind=person) | ~Q(solution__in=by_people))
    return found, [said for _, said in poor]


def _by_labelers(found: AnnotationQuerySet, project: Project, rules: Rules) -> AnnotationQuerySet:
    if rules.marks == "people":
        found = found.filter(labeler__kind=Labeler.Kind.PERSON)
    elif rules.marks == "models":
        found = found.filter(labeler__kind=Labeler.Kind.MODEL)
    elif rules.marks == "labeler":
        found = found.filter(labeler__in=_named(project, rules.labeler or "", "labeler"))
    for place, name in enumerate(rules.without_labelers):
        found = found.exclude(labeler__in=_named(project, name, f"without_labelers[{place}]"))
    return found


def _named(project: Project, name: str, where: str) -> list[int]:
    """Return the labelers in a project of this name, which is one's UUID or several's name."""
    try:
        wanted = Q(uuid=UUID(name))
    except ValueError:
        wanted = Q(name=name)
    marked = Labeler.objects.filter(wanted, annotations__project=project).distinct()
    found = list(marked.values_list("pk", flat=True))
    if not found:
        raise BadRules({where: f"no labeler {name!r} has marked anything in {project.slug}"})
    return found


def generations(rules: Rules) -> dict[str, Any]:
    wanted = rules.generations or ()
    return {
        "generations": [one for one in wanted if one is not None],
        "with_none": None in wanted,
    }

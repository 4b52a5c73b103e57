"""One labeler's past work over all their projects, newest first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import Exists, OuterRef, Q
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotation.browsing import MARKS, marked, steps_open_to
from annotation.filters import choice
from annotation.models import Annotation, Project
from annotation.models.marks import AnnotationQuerySet
from annotation.reading import REASONS, Mark, signs
from labelers.models import Labeler
from web.errors import BadAddress
from web.models import User
from web.pages import Keyset, Page, id_place, page_by

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
Moment = tuple[datetime, int]
"""When an annotation was submitted, and its id: its place in the list."""


class WorkFilter(forms.Form):
    """Narrows one's past work; `asked()` is for `work_page`."""

    text = forms.CharField(
        label=gettext_lazy("Text of problem or steps"),
        required=False,
        min_length=2,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    project = forms.ChoiceField(label=gettext_lazy("Project"), required=False)
    reason = forms.ChoiceField(
        label=gettext_lazy("Finish reason"),
        required=False,
        choices=[("", gettext_lazy("every reason")), *REASONS],
    )
    mark = forms.ChoiceField(
        label=gettext_lazy("Contains"),
        required=False,
        choices=[("", gettext_lazy("any marks")), *MARKS],
    )
    since = forms.DateField(
        label=gettext_lazy("From"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    until = forms.DateField(
        label=gettext_lazy("To"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, query: Any, user: User) -> None:
        super().__init__(query, label_suffix="")
        theirs = Annotation.objects.filter(project=OuterRef("pk"), labeler__user=user)
        projects = Project.objects.visible_to(user).filter(Exists(theirs)).order_by("name", "pk")
        self._projects = {project.slug: project for project in projects}
        names = [(slug, project.name) for slug, project in self._projects.items()]
        choice(self, "project").choices = [("", gettext_lazy("every project")), *names]

    def asked(self) -> dict[str, Any] | None:
        """Return what was asked for, a project as such; None when the question makes no sense."""
        if not self.is_valid():
            return None
        asked = {name: value for name, value in self.cleaned_data.items() if value}
        if "project" in asked:
            asked["project"] = self._projects[asked["project"]]
        return asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One row of past work."""

    annotation: Annotation
    marks: list[Mark]
    can_be_corrected: bool

    @property
    def leads_to_solution(self) -> bool:
        """Whether one's own work opens the solution: late work on another's built one does not."""
        return not (self.annotation.is_surplus and self.annotation.solution.built)

    @property
    def first_line(self) -> str:
        """The problem's first line that says anything."""
        lines = (line.strip() for line in self.annotation.solution.problem.text.splitlines())
        return next(filter(None, lines), "")


def work_page(asked: Mapping[str, Any], user: User, query: QueryDict) -> Page[Done]:
    """Return the page that `query` names of what `user` has done and still stands.

    Raises BadAddress for a page that is none.
    """
    done = _narrowed(own_work(user), asked, user).select_related(
        "project", "solution__problem", "labeler"
    )
    done = done.prefetch_related("labels__step", "positions")
    labelled = set(Project.objects.labelled_by(user).active().values_list("pk", flat=True))

    def read(place: Moment | None, backwards: bool, limit: int) -> list[Done]:
        rows = done if place is None else done.filter(_beyond(place, backwards))
        order = ("submitted_at", "pk") if backwards else ("-submitted_at", "-pk")
        return [
            Done(
                annotation=annotation,
                marks=signs(annotation),
                can_be_corrected=annotation.lease_id is not None
                and annotation.project_id in labelled,
            )
            for annotation in rows.order_by(*order)[:limit]
        ]

    newest_first = Keyset(read=read, place_of=_spell, place=_moment)
    return page_by(newest_first, query)


def own_work(user: User) -> AnnotationQuerySet:
    """Return the annotations of `user` in force, in the projects that they still see."""
    visible = Project.objects.visible_to(user)
    # By its id: joined to, the labeler would keep the index from giving the newest first.
    labeler = Labeler.objects.filter(user=user).values_list("pk", flat=True).first()
    return Annotation.objects.in_force().filter(labeler=labeler, project__in=visible)


def _narrowed(done: AnnotationQuerySet, asked: Mapping[str, Any], user: User) -> AnnotationQuerySet:
    if "project" in asked:
        done = done.filter(project=asked["project"])
    if "reason" in asked:
        done = done.filter(finish_reason=asked["reason"])
    if "mark" in asked:
        done = done.filter(marked(asked["mark"], "pk"))
    if "since" in asked:
        done = done.filter(submitted_at__gte=_at(asked["since"], time.min))
    if "until" in asked:
        done = done.filter(submitted_at__lte=_at(asked["until"], time.max))
    if "text" in asked:
        steps = steps_open_to(user).filter(
            solution=OuterRef("solution_id"), text__icontains=asked["text"]
        )
        said = Q(solution__problem__text__icontains=asked["text"])
        done = done.filter(said | Exists(steps))
    return done


def _at(day: date, hour: time) -> datetime:
    return timezone.make_aware(datetime.combine(day, hour))


def _beyond(place: Moment, backwards: bool) -> Q:
    at, pk = place
    if backwards:
        return Q(submitted_at__gte=at) & (Q(submitted_at__gt=at) | Q(pk__gt=pk))
    # The first condition is a range of the index; the rest only parts those of one moment.
    return Q(submitted_at__lte=at) & (Q(submitted_at__lt=at) | Q(pk__lt=pk))


def _spell(done: Done) -> str:
    """Spell a place as microseconds since 1970, a dot and an id."""
    since = done.annotation.submitted_at - BEGINNING
    return f"{since // timedelta(microseconds=1)}.{done.annotation.pk}"


def _moment(spelt: str) -> Moment:
    microseconds, _dot, pk = spelt.partition(".")
    try:
        return BEGINNING + timedelta(microseconds=id_place(microseconds)), id_place(pk)
    except OverflowError as error:
        raise BadAddress(_("This is not a page that we link to.")) from error

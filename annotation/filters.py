"""What a list of problems or solutions can be narrowed to."""

from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from annotation.browsing import MARKS, known_labelers, known_models
from annotation.models import Problem, Project, SolutionTrait
from annotation.models.content import ProblemQuerySet
from annotation.reading import REASONS

MOST_CHOICES = 200


def choices(values: Any, every: Any) -> list[tuple[str, Any]]:
    return [("", every), *((value, value) for value in sorted(set(values)) if value)]


class ProblemFilter(forms.Form):
    """Narrows a project's problems by split, level and words of the text."""

    text = forms.CharField(
        label=_("Text or id"),
        required=False,
        min_length=2,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    split = forms.ChoiceField(label=_("Split"), required=False)
    level = forms.ChoiceField(label=_("Level"), required=False)

    def __init__(self, query: Any, project: Project) -> None:
        super().__init__(query, label_suffix="")
        known = list(
            Problem.objects.filter(project=project)
            .order_by()
            .values_list("split", "level")
            .distinct()[:MOST_CHOICES]
        )
        splits, levels = (split for split, _level in known), (level for _split, level in known)
        choice(self, "split").choices = choices(splits, _("every split"))
        choice(self, "level").choices = choices(levels, _("every level"))

    def narrow(self, problems: ProblemQuerySet) -> ProblemQuerySet:
        """Return what of `problems` was asked for; nothing when the question makes no sense."""
        if not self.is_valid():
            return problems.none()
        wanted = self.cleaned_data
        if wanted["text"]:
            problems = problems.filter(
                Q(text__icontains=wanted["text"]) | Q(external_id=wanted["text"])
            )
        exact = {name: wanted[name] for name in ("split", "level") if wanted[name]}
        return problems.filter(**exact)


class SolutionFilter(forms.Form):
    """Narrows a project's solutions; by grades, labelers and what nobody marked only for who may
    see them. `asked()` is for `browsing.walk`.
    """

    text = forms.CharField(
        label=_("Text of problem or steps"),
        required=False,
        min_length=2,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    model = forms.ChoiceField(label=_("Model"), required=False)
    answer = forms.ChoiceField(
        label=_("Answer"),
        required=False,
        choices=[
            ("", _("every answer")),
            ("right", _("right")),
            ("wrong", _("wrong")),
            ("unknown", _("not graded")),
        ],
    )
    mark = forms.ChoiceField(label=_("Contains"), required=False)
    reason = forms.ChoiceField(
        label=_("Finish reason"), required=False, choices=[("", _("every reason")), *REASONS]
    )
    labeler = forms.ChoiceField(label=_("Labeler"), required=False)
    bad_split = forms.ChoiceField(
        label=_("Step split"),
        required=False,
        choices=[("", _("good or bad")), ("yes", _("reported bad"))],
    )
    order = forms.ChoiceField(
        label=_("Order"),
        required=False,
        choices=[("", _("oldest first")), ("newest", _("newest first"))],
    )

    def __init__(self, query: Any, project: Project, *, graded: bool, reads_marks: bool) -> None:
        super().__init__(query, label_suffix="")
        marks = list(MARKS)
        if not graded:
            del self.fields["answer"]
        if reads_marks:
            labelers = [(str(one.uuid), one) for one in known_labelers(project)]
            self._labelers = {uuid: labeler.pk for uuid, labeler in labelers}
            names = [(uuid, labeler.name) for uuid, labeler in labelers]
            choice(self, "labeler").choices = [("", _("everybody")), *names]
            unmarked = SolutionTrait.Kind.UNMARKED
            marks.append((unmarked.value, unmarked.label))
        else:
            del self.fields["labeler"]
        choice(self, "mark").choices = [("", _("any marks")), *marks]
        choice(self, "model").choices = choices(known_models(project), _("every model"))

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        of_marks = [name for name in ("labeler", "reason", "bad_split") if cleaned.get(name)]
        if cleaned.get("mark") == SolutionTrait.Kind.UNMARKED and of_marks:
            self.add_error("mark", _("What nobody marked has no labeler, reason or report."))
        return cleaned

    def asked(self) -> dict[str, Any] | None:
        """Return what was asked for, a labeler by id; None when the question makes no sense."""
        if not self.is_valid():
            return None
        asked = {name: value for name, value in self.cleaned_data.items() if value}
        if "labeler" in asked:
            asked["labeler"] = self._labelers[asked["labeler"]]
        return asked


def choice(form: forms.Form, name: str) -> forms.ChoiceField:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    return field

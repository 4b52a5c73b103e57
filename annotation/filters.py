"""What a list of problems or solutions can be narrowed to."""

from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from annotation.models import Problem, Project, Solution
from annotation.models.content import ProblemQuerySet, SolutionQuerySet

MOST_CHOICES = 200
ANSWERS = {"right": Q(is_correct=True), "wrong": Q(is_correct=False), "unknown": Q(is_correct=None)}


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
        self.choice("split").choices = choices((split for split, _level in known), _("every split"))
        self.choice("level").choices = choices((level for _split, level in known), _("every level"))

    def choice(self, name: str) -> forms.ChoiceField:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        return field

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
    """Narrows a project's solutions by answer and model; by answer only for who may see grades."""

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
    model = forms.ChoiceField(label=_("Model"), required=False)

    def __init__(self, query: Any, project: Project, *, graded: bool) -> None:
        super().__init__(query, label_suffix="")
        if not graded:
            del self.fields["answer"]
        known = (
            Solution.objects.filter(project=project)
            .order_by()
            .values_list("model", flat=True)
            .distinct()[:MOST_CHOICES]
        )
        field = self.fields["model"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices(known, _("every model"))

    def narrow(self, solutions: SolutionQuerySet) -> SolutionQuerySet:
        """Return what of `solutions` was asked for; nothing when the question makes no sense."""
        if not self.is_valid():
            return solutions.none()
        wanted = self.cleaned_data
        if wanted.get("answer"):
            solutions = solutions.filter(ANSWERS[wanted["answer"]])
        if wanted["model"]:
            solutions = solutions.filter(model=wanted["model"])
        return solutions

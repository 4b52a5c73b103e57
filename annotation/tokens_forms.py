"""What a user says about a new API token."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotation.models import Project
from web.models import Scope, User

LONGEST_DAYS = 365
SCOPES = [
    (Scope.READ, gettext_lazy("Read: what you may see, and nothing else")),
    (Scope.LABEL, gettext_lazy("Label: take solutions and mark them")),
    (Scope.REVIEW, gettext_lazy("Review: take what waits for a reviewer, and decide it")),
    (Scope.MANAGE, gettext_lazy("Manage: runs, imports, datasets, webhooks, service accounts")),
]


class TokenForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("What it is for, so that you know it again."),
        max_length=200,
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("What it may do"),
        choices=SCOPES,
        initial=[Scope.LABEL],
        widget=forms.CheckboxSelectMultiple,
    )
    every_project = forms.BooleanField(
        label=gettext_lazy("All my projects, also later ones"), required=False
    )
    projects = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Projects"),
        queryset=Project.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    days = forms.IntegerField(
        label=gettext_lazy("Days it lasts"), min_value=1, max_value=LONGEST_DAYS, initial=90
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        projects = self.fields["projects"]
        assert isinstance(projects, forms.ModelMultipleChoiceField)
        projects.queryset = Project.objects.visible_to(user).active()

    def clean(self) -> dict[str, Any]:
        chosen = self.cleaned_data.get("projects")
        if (
            not self.cleaned_data.get("every_project")
            and not chosen
            and not self.has_error("projects")
        ):
            self.add_error("projects", _("Choose at least one project, or all of them."))
        return self.cleaned_data

    @property
    def chosen_projects(self) -> QuerySet[Project] | None:
        """The projects that it is for, None for all, once the form is found valid."""
        every = self.cleaned_data["every_project"]
        chosen: QuerySet[Project] = self.cleaned_data["projects"]
        return None if every else chosen

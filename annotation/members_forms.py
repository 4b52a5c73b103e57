"""What a manager says about people, and what a person says who joins."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.forms import BaseUserCreationForm
from django.contrib.auth.forms import UserCreationForm as DjangoUserCreationForm
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from annotation.members import ROLES
from annotation.models import Membership
from web.models import User

if TYPE_CHECKING:  # Django's own class takes no type parameters when it runs
    UserCreationForm = DjangoUserCreationForm[User]
else:
    UserCreationForm = DjangoUserCreationForm

Role = Membership.Role
NAMES: dict[str, Promise] = {
    Role.READER: gettext_lazy("Reader"),
    Role.LABELER: gettext_lazy("Labeler"),
    Role.REVIEWER: gettext_lazy("Reviewer"),
    Role.MANAGER: gettext_lazy("Manager"),
}
DUTIES: dict[str, Promise] = {
    Role.READER: gettext_lazy("only reads"),
    Role.LABELER: gettext_lazy("marks, and reads only their own marks"),
    Role.REVIEWER: gettext_lazy("marks, and reads everybody's marks"),
    Role.MANAGER: gettext_lazy("runs the project"),
}
LONGEST_DAYS = 90


def roles() -> list[tuple[str, Promise]]:
    """Return the roles and their names, from the most right to the least."""
    return [(role, NAMES[role]) for role in reversed(ROLES)]


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=roles)


class InviteForm(forms.Form):
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=roles, initial=Role.LABELER)
    note = forms.CharField(
        label=gettext_lazy("For whom"),
        help_text=gettext_lazy("A note for managers; nothing is sent."),
        max_length=200,
        required=False,
    )
    days = forms.IntegerField(
        label=gettext_lazy("Days it is open"), min_value=1, max_value=LONGEST_DAYS, initial=7
    )


class SignUpForm(UserCreationForm):
    """Django's, for our users; it checks the name and the password as everywhere."""

    class Meta(BaseUserCreationForm.Meta):
        model = User
        fields = ("username",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].widget.attrs.pop("autofocus", None)

"""The form that a project's policy is written in: JSON, checked field by field."""

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotation.cases import check_labelers
from annotation.digests import json_digest
from annotation.models import Project
from annotation.policy import BadPolicy, Policy

LONGEST = 20_000


def seen_now(project: Project) -> str:
    """Return what tells a project's policy from any other."""
    return str(json_digest(project.routing))


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


class PolicyForm(forms.Form):
    """`cleaned_data["text"]` is the Policy that was written."""

    text = forms.CharField(
        label=gettext_lazy("Policy, as JSON"),
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 22, "spellcheck": "false"}),
    )
    seen = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, data: Any, *, project: Project, policy: Policy) -> None:
        written = json.dumps(policy.as_json(), indent=2, ensure_ascii=False)
        super().__init__(data, initial={"text": written, "seen": seen_now(project)})

    def clean_text(self) -> Policy:
        try:
            policy = Policy.from_json(json.loads(self.cleaned_data["text"], parse_constant=_refuse))
            check_labelers(policy)
        except BadPolicy as error:
            whole = _("policy")
            said = [f"{field or whole}: {why}" for field, why in error.errors.items()]
            raise ValidationError(said) from error
        except (ValueError, RecursionError) as error:
            raise ValidationError(_("This is not JSON: %(why)s") % {"why": error}) from error
        return policy

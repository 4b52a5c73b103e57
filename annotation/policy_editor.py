"""A policy while it is edited: what the widgets hold, what their buttons do, what is wrong where.

The widgets say what the policy is. JSON only fills them in, so that there is one thing to save.
"""

import json
from collections.abc import Collection, Mapping
from typing import Any

from django.forms import Form
from django.utils.translation import gettext as _

from annotation.cases import check_labelers
from annotation.consensus import policy_of
from annotation.digests import digest, json_digest
from annotation.models import Project
from annotation.policy import MOST_RULES, BadPolicy, Policy
from annotation.policy_forms import AcceptRules, PeopleRules, RestForm, TextForm, sure_of
from annotation.policy_words import why
from labelers.models import Labeler

Typed = dict[str, Any]
"""What widgets hold: a dict for `rest`, a list of dicts for each list of rules."""

FRESH: Mapping[str, Typed] = {
    "accept": {"audit_share": 0.05},
    "people": {"when": "wrong_answer", "how_many": 1},
}
"""What a rule begins with."""


class PolicyEditor:
    """The forms of one page: they hold what was posted, or without that the policy in force."""

    def __init__(self, project: Project, data: Any = None) -> None:
        self.project = project
        self.focus = ""
        """The part of the page to go on with."""
        self.seen = seen_now(project) if data is None else str(data.get("seen", ""))
        self.saved = policy_of(project)
        marking = self.saved.first if data is None else data.getlist("first")
        current = Labeler.objects.machines().current().order_by("name")
        # Those of the policy in their order, so that it is saved as it was; none comes twice.
        names = [*self.saved.first, *current.values_list("name", flat=True), *marking]
        self.names = list(dict.fromkeys(names))
        if data is None:
            self._show(self.saved)
        else:
            self._lay_out(marking, data=data)
            self.text = TextForm(data)

    def do(self, asked: str) -> Policy | None:
        """Do what the button `asked` says; return the policy that the widgets hold then.

        None where they hold none, which is said beside them, or where that was not asked.
        """
        verb, _space, place = asked.partition(" ")
        if verb in {"add", "remove", "up", "down"}:
            self._change_rules(verb, place)
            return None
        return self._take_over() if verb == "fill" else self.policy()

    def policy(self) -> Policy | None:
        """Return the policy that was typed; None where it is none, which its fields then say."""
        if not all(part.is_valid() for part in (self.rest, self.accept, self.people)):
            return None
        try:
            policy = Policy.from_json(self._as_json())
            check_labelers(policy)
        except BadPolicy as error:
            self._say(error.errors)
            return None
        if not self.text_is_changed:
            self._write(policy)
        return policy

    def may_save(self) -> bool:
        """Whether nothing else was typed; else say so, once, and let it be left out."""
        if not self.text_is_changed:
            return True
        said = _("You changed this, but did not take it over. Take it over, or save once more.")
        text = self.typed_text
        self.text = TextForm({"text": text, "shown": str(digest(text))})
        self.text.add_error("text", said)
        return False

    def see_again(self) -> None:
        """Take the policy that somebody else has saved for seen, and keep what was typed."""
        self.project.refresh_from_db(fields=["routing"])
        self.saved, self.seen = policy_of(self.project), seen_now(self.project)

    @property
    def has_errors(self) -> bool:
        """Whether something is said to be wrong beside the widgets."""
        lists = (self.accept, self.people)
        forms = [self.rest, *self.accept, *self.people]
        return any(form.errors for form in forms) or any(one.non_form_errors() for one in lists)

    @property
    def typed_text(self) -> str:
        return str(self.text.data.get("text", "")).replace("\r\n", "\n")

    @property
    def text_is_changed(self) -> bool:
        """Whether somebody has changed the JSON since the page showed it."""
        shown = self.text.data.get("shown")
        return shown is not None and shown != str(digest(self.typed_text))

    def _show(self, policy: Policy) -> None:
        self._lay_out(policy.first, typed=_typed(policy))
        self._write(policy)

    def _write(self, policy: Policy) -> None:
        text = json.dumps(policy.as_json(), indent=2, ensure_ascii=False)
        self.text = TextForm({"text": text, "shown": str(digest(text))})

    def _lay_out(
        self, marking: Collection[str], *, data: Any = None, typed: Typed | None = None
    ) -> None:
        """Make the forms, of what was posted or, with nothing said to be wrong, `typed`."""
        given, names = typed or {}, {"names": self.names, "marking": frozenset(marking)}
        self.rest = RestForm(data, initial=given.get("rest"), **names)
        self.accept = AcceptRules(
            data, initial=given.get("accept"), prefix="accept", form_kwargs=names
        )
        self.people = PeopleRules(data, initial=given.get("people"), prefix="people")

    def _change_rules(self, verb: str, place: str) -> None:
        """Add, remove or move a rule; `place` is such as "accept 0", or "accept" to add one."""
        typed = self._typed_now()
        kind, _space, number = place.partition(" ")
        rules, at = typed.get(kind), int(number) if number.isdecimal() else 0
        to = {"up": at - 1, "down": at + 1}.get(verb, at)
        if isinstance(rules, list):
            if verb == "add" and len(rules) < MOST_RULES:
                to = len(rules)
                rules.append(dict(FRESH[kind]))
            elif verb != "add" and at < len(rules) and 0 <= to < len(rules):
                rule = rules.pop(at)
                if verb != "remove":
                    rules.insert(to, rule)
            self.focus = f"add {kind}" if verb == "remove" else f"{kind} {to}"
        self._lay_out(self.rest.marking, typed=typed)

    def _take_over(self) -> Policy | None:
        """Fill the widgets in from the JSON; where it is no policy, say why and leave them."""
        said: list[str]
        try:
            policy = Policy.from_json(json.loads(self.typed_text, parse_constant=_refuse))
            check_labelers(policy)
        except BadPolicy as error:
            whole = _("policy")
            said = [f"{field or whole}: {why(one, _)}" for field, one in error.errors.items()]
        except (ValueError, RecursionError) as error:
            said = [_("This is not JSON: %(why)s") % {"why": error}]
        else:
            self._show(policy)
            return policy
        for one in said:
            self.text.add_error("text", one)
        self._lay_out(self.rest.marking, typed=self._typed_now())
        return None

    def _typed_now(self) -> Typed:
        return {
            "rest": _held(self.rest),
            "accept": [_held(form) for form in self.accept],
            "people": [_held(form) for form in self.people],
        }

    def _as_json(self) -> dict[str, Any]:
        rest = self.rest.cleaned_data
        order = {"by": rest["order_by"]}
        if rest["score_of"] is not None:
            order["score_of"] = rest["score_of"]
        return {
            "first": [name for name in self.names if name in rest["first"]],
            "accept": [
                {"labelers": form.confidences, "audit_share": form.cleaned_data["audit_share"]}
                for form in self.accept
            ],
            "people": [form.cleaned_data for form in self.people],
            "order": order,
            "review": {
                "disagreement": rest["disagreement"],
                "contradicted": self.rest.confidences,
            },
            "blind_share": rest["blind_share"],
        }

    def _say(self, errors: Mapping[str, str]) -> None:
        """Say what is wrong with a policy beside the widgets that it came from."""
        fields: dict[str, tuple[Form, str]] = {
            "order.by": (self.rest, "order_by"),
            "order.score_of": (self.rest, "score_of"),
        }
        fields |= {f"first[{n}]": (self.rest, "first") for n in range(len(self.names))}
        for name in self.names:
            fields[f"review.contradicted.{name}"] = (self.rest, sure_of(name))
            for n, rule in enumerate(self.accept):
                fields[f"accept[{n}].labelers.{name}"] = (rule, sure_of(name))
        fields |= {f"people[{n}].when": (rule, "when") for n, rule in enumerate(self.people)}
        for path, error in errors.items():
            form, field = fields.get(path, (self.rest, None))
            form.add_error(field, why(error, _))


def seen_now(project: Project) -> str:
    """Return what tells a project's policy from any other."""
    return str(json_digest(project.routing))


def _held(form: Form) -> Typed:
    """Return what the widgets of a posted form hold, valid or not."""
    return {name: form[name].data for name in form.fields}


def _typed(policy: Policy) -> Typed:
    """Return what widgets hold that say `policy`."""
    return {
        "rest": {
            "first": policy.first,
            "order_by": policy.order.by,
            "score_of": policy.order.score_of,
            "disagreement": policy.review.disagreement,
            "blind_share": policy.blind_share,
            **_sure(policy.review.contradicted),
        },
        "accept": [
            {"audit_share": rule.audit_share, **_sure(rule.labelers)} for rule in policy.accept
        ],
        "people": [{"when": rule.when, "how_many": rule.how_many} for rule in policy.people],
    }


def _sure(confidences: Mapping[str, float]) -> Typed:
    return {sure_of(name): share for name, share in confidences.items()}


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")

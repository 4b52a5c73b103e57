"""Registering the models that mark."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from jsonschema import Draft202012Validator

from labelers.engines import get_engine
from labelers.judges import get_judge
from labelers.judges.base import Judge
from labelers.models import Labeler
from labelers.price import KEY, PRICE
from web.models import User


class BadConfiguration(ValueError):
    """A judge does not take the configuration it was given."""


def check_config(name: str, config: Mapping[str, Any]) -> None:
    """Raise BadConfiguration, naming the settings, where `config` does not fit the judge's schema.

    An unknown judge or engine raises UnknownName.
    """
    judge_class = get_judge(name)
    schema = judge_class.schema()
    schema["properties"][KEY] = dict(PRICE)
    errors = sorted(
        Draft202012Validator(schema).iter_errors(dict(config)),
        key=lambda e: e.json_path,
    )
    if errors:
        said = "; ".join(
            f"{error.json_path[2:] or 'configuration'}: {error.message}" for error in errors
        )
        raise BadConfiguration(f"judge {name!r}: {said}")
    if judge_class.needs_engine:
        get_engine(config["engine"])


def make_judge(name: str, config: Mapping[str, Any]) -> Judge:
    """Return a judge ready to mark; an unknown name or a wrong setting says what is allowed.

    The price is the labeler's: the judge does not see it.
    """
    check_config(name, config)
    try:
        return get_judge(name)(**{key: value for key, value in config.items() if key != KEY})
    except (TypeError, ValueError) as error:
        raise BadConfiguration(f"judge {name!r}: {error}") from error


@transaction.atomic
def register_model(*, name: str, judge: str, config: Mapping[str, Any] | None = None) -> Labeler:
    """Return the current model labeler `name` with this judge and configuration.

    It is made when missing. When the current one has another judge or configuration it is
    retired, and the new Labeler names it as the one it replaces.
    """
    settings = dict(config or {})
    check_config(judge, settings)
    current = Labeler.objects.machines().current().select_for_update().filter(name=name).first()
    if current is not None:
        if (current.judge, current.config) == (judge, settings):
            return current
        current.retire()
    return Labeler.objects.create(
        kind=Labeler.Kind.MODEL, name=name, judge=judge, config=settings, replaces=current
    )


@transaction.atomic
def register_program(*, name: str, user: User, replaces: bool = True) -> Labeler:
    """Return the model labeler `name` that `user` is from now on: a program's account.

    A current program of this name with another account is retired, and replaced by this one.
    Raises BadConfiguration for an account that has marked or holds work as a person, or is another
    program, and for the name of a judge's labeler; without `replaces` for a program's name, too.
    """
    labeler = Labeler.objects.select_for_update().get(pk=labeler_of(user).pk)
    current = Labeler.objects.machines().current().select_for_update().filter(name=name).first()
    if labeler == current:
        return labeler
    if labeler.kind == Labeler.Kind.MODEL:
        raise BadConfiguration(f"the account {user} is the program {labeler.name!r} already")
    if labeler.assignments.exists() or labeler.annotations.exists():
        raise BadConfiguration(
            f"the account {user} has marked as a person: give the program one of its own"
        )
    if current is not None:
        if current.judge:
            raise BadConfiguration(f"{name!r} is a model that marks by the judge {current.judge!r}")
        if not replaces:
            raise BadConfiguration(f"{name!r} is a program with another account")
        current.retire()
    labeler.kind, labeler.name, labeler.replaces = Labeler.Kind.MODEL, name, current
    labeler.save(update_fields=["kind", "name", "replaces"])
    return labeler


def labeler_of(user: User) -> Labeler:
    """Return the labeler that `user` is, made when missing."""
    try:
        return user.labeler
    except Labeler.DoesNotExist:
        labeler, _ = Labeler.objects.get_or_create(
            user=user, defaults={"kind": Labeler.Kind.PERSON, "name": user.get_username()}
        )
        return labeler

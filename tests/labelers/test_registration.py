"""Model labelers: one row for each judge and configuration, never changed."""

from decimal import Decimal

import pytest

from labelers.judges import JUDGES
from labelers.models import Labeler
from labelers.price import price_of
from labelers.registration import BadConfiguration, labeler_of, make_judge, register_model
from labelers.trace import Cost
from tests.factories import make_user
from web.registry import UnknownName

pytestmark = pytest.mark.django_db


def test_registering_twice_gives_the_same_labeler() -> None:
    one = register_model(name="sums", judge="arithmetic")
    assert register_model(name="sums", judge="arithmetic") == one


def test_another_configuration_makes_a_new_labeler_that_replaces_the_old_one() -> None:
    old = register_model(name="sums", judge="arithmetic")
    new = register_model(name="sums", judge="arithmetic", config={"annotations_only": True})
    assert new.replaces == old
    assert new.uuid != old.uuid
    assert list(Labeler.objects.current().filter(name="sums")) == [new]


def test_a_wrong_setting_is_refused_by_its_name() -> None:
    with pytest.raises(BadConfiguration, match="colour"):
        register_model(name="sums", judge="arithmetic", config={"colour": "red"})
    with pytest.raises(BadConfiguration, match="limit_s"):
        register_model(name="right", judge="outcome", config={"limit_s": 0})
    assert not Labeler.objects.exists()


PRICE = {"prompt_per_1k": 0.15, "completion_per_1k": 0.6, "currency": "USD"}


def test_a_price_belongs_to_the_labeler_and_the_judge_does_not_see_it() -> None:
    labeler = register_model(name="sums", judge="arithmetic", config={"price": PRICE})
    make_judge(labeler.judge, labeler.config)
    price = price_of(labeler.config)
    assert price is not None
    assert price.money(Cost(prompt_tokens=2_000, completion_tokens=501)) == Decimal("0.600600")
    assert price_of({}) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {**PRICE, "currency": "dollars"},
        {**PRICE, "prompt_per_1k": -1},
        {"prompt_per_1k": 1},
        {**PRICE, "per_call": 1},
        7,
    ],
)
def test_a_wrong_price_is_refused_by_its_name(wrong: object) -> None:
    with pytest.raises(BadConfiguration, match="price"):
        register_model(name="sums", judge="arithmetic", config={"price": wrong})


def test_an_unknown_judge_lists_the_known_ones() -> None:
    with pytest.raises(UnknownName, match=", ".join(sorted(JUDGES))):
        register_model(name="sums", judge="oracle")


def test_a_user_is_one_labeler_for_good() -> None:
    user = make_user("mori")
    labeler = labeler_of(user)
    assert (labeler.kind, labeler.name) == ("person", "mori")
    assert labeler_of(user) == labeler

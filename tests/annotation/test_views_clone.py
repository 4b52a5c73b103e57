"""Who may clone a project, and what a clone may spend."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from annotation.models import Project
from labelers.registration import register_model
from tests.annotation.managing import client_of
from tests.factories import make_project, make_user
from web.models import User

pytestmark = pytest.mark.django_db
CLONE = "/projects/algebra/clone/"
POSTED = {"name": "Second", "slug": "second"}


@pytest.fixture
def manager() -> User:
    return make_user()


@pytest.fixture
def algebra(manager: User) -> Project:
    drawing = {"engine": "openai", "engine_config": {"model": "large"}}
    return make_project("algebra", members={manager: "manager"}, drawing=drawing)


def allow(user: User) -> Client:
    user.user_permissions.add(Permission.objects.get(codename="add_project"))
    return client_of(user)


def test_a_manager_who_may_make_no_project_clones_none(manager: User, algebra: Project) -> None:
    client = client_of(manager)
    assert CLONE not in client.get("/projects/algebra/settings/").content.decode()
    assert client.get(CLONE).status_code == 403
    assert client.post(CLONE, POSTED).status_code == 403
    assert list(Project.objects.all()) == [algebra]


def test_a_manager_who_may_make_projects_clones_one(manager: User, algebra: Project) -> None:
    client = allow(manager)
    assert CLONE in client.get("/projects/algebra/settings/").content.decode()
    assert client.get(CLONE).status_code == 200
    assert client.post(CLONE, POSTED).status_code == 302
    assert Project.objects.filter(slug="second").exists()


def test_who_may_make_projects_clones_none_that_they_do_not_manage(algebra: Project) -> None:
    stranger, reviewer = make_user(), make_user()
    algebra.memberships.create(user=reviewer, role="reviewer")
    assert allow(stranger).post(CLONE, POSTED).status_code == 404
    assert allow(reviewer).post(CLONE, POSTED).status_code == 403
    assert list(Project.objects.all()) == [algebra]


def test_a_policy_that_asks_an_engine_goes_along_with_an_administrator_alone(
    manager: User, algebra: Project
) -> None:
    for name, judge, config in (
        ("asks", "llm_judge", {"engine": "scripted"}),
        ("sums", "arithmetic", {}),
    ):
        register_model(name=name, judge=judge, config=config)
    for first, kept in ((["sums"], True), (["sums", "asks"], False)):
        Project.objects.filter(pk=algebra.pk).update(routing={"first": first})
        slug = f"of-{len(first)}"
        allow(manager).post(CLONE, {"name": "Second", "slug": slug})
        assert Project.objects.get(slug=slug).routing == ({"first": first} if kept else {})
    client_of(make_user(is_superuser=True)).post(CLONE, {"name": "Third", "slug": "third"})
    assert Project.objects.get(slug="third").routing == {"first": ["sums", "asks"]}


def test_the_engine_that_draws_goes_along_with_an_administrator_alone(
    manager: User, algebra: Project
) -> None:
    allow(manager).post(CLONE, POSTED)
    assert Project.objects.get(slug="second").drawing == {}
    client_of(make_user(is_superuser=True)).post(CLONE, {"name": "Third", "slug": "third"})
    assert Project.objects.get(slug="third").drawing == algebra.drawing

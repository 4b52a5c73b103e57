"""The members' page of a project and what is posted from it."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotation.models import Invitation, Membership, Project
from annotation.service_accounts import make_service_account
from tests.factories import make_invitation, make_project, make_user
from web.models import User

pytestmark = pytest.mark.django_db

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def ada() -> User:
    return make_user("ada")


@pytest.fixture
def algebra(ada: User) -> Project:
    return make_project("algebra", members={ada: "manager", make_user("bob"): "labeler"})


@pytest.fixture
def manager(client: Client, ada: User, algebra: Project) -> Client:
    client.force_login(ada)
    return client


@pytest.fixture
def bob(algebra: Project) -> Membership:
    return algebra.memberships.get(user__username="bob")


def posts(project: Project) -> list[tuple[str, dict[str, str]]]:
    """Return every address that changes something, with a form that it takes."""
    bob = project.memberships.get(user__username="bob")
    manager = project.memberships.get(role="manager").user
    invitation = make_invitation(project, manager)
    slug = project.slug
    return [
        (reverse("change_role", args=[slug, bob.pk]), {"role": "manager"}),
        (reverse("end_membership", args=[slug, bob.pk]), {}),
        (reverse("restore_membership", args=[slug, bob.pk]), {}),
        (reverse("invite", args=[slug]), {"role": "manager", "note": "", "days": "7"}),
        (reverse("revoke_invitation", args=[slug, invitation.pk]), {}),
    ]


def state(project: Project) -> Any:
    people = project.memberships.order_by("pk").values_list("user", "role", "ended_at")
    return list(people), list(Invitation.objects.order_by("pk").values())


def test_a_program_is_shown_without_roles_and_takes_none(manager: Client, algebra: Project) -> None:
    program = make_service_account(project=algebra, name="prover")
    page = manager.get(reverse("members", args=["algebra"])).content.decode()
    assert reverse("service_account", args=["algebra", program.pk]) in page
    address = reverse("change_role", args=["algebra", program.pk])
    assert address not in page
    answer = manager.post(address, {"role": "reviewer"}, follow=True)
    assert "its tokens say what it may do" in answer.content.decode()
    program.refresh_from_db()
    assert program.role == "labeler"


def test_a_manager_sees_the_members_with_their_roles(manager: Client) -> None:
    page = manager.get("/projects/algebra/members/").content.decode()
    assert page.index("ada") < page.index("bob")
    assert '<option value="labeler" selected>Labeler</option>' in page
    for duty in ("runs the project", "marks, and reads only their own marks", "only reads"):
        assert duty in page
    assert "reads everybody&#x27;s marks" in page


@pytest.mark.parametrize("role", ["reviewer", "labeler", "reader"])
def test_other_members_may_neither_look_nor_change(
    algebra: Project, client: Client, role: str
) -> None:
    user = make_user()
    Membership.objects.create(user=user, project=algebra, role=role)
    client.force_login(user)
    assert client.get("/projects/algebra/members/").status_code == 403
    addresses = posts(algebra)
    before = state(algebra)
    assert [client.post(*post).status_code for post in addresses] == [403] * 5
    assert state(algebra) == before


@pytest.mark.parametrize("elsewhere", [None, "manager"])
def test_outsiders_find_nothing(algebra: Project, client: Client, elsewhere: str | None) -> None:
    user = make_user()
    if elsewhere:
        make_project("geometry", members={user: elsewhere})
    client.force_login(user)
    assert client.get("/projects/algebra/members/").status_code == 404
    addresses = posts(algebra)
    before = state(algebra)
    assert [client.post(*post).status_code for post in addresses] == [404] * 5
    assert state(algebra) == before


def test_people_and_invitations_are_not_found_under_another_project(
    algebra: Project, manager: Client, ada: User
) -> None:
    make_project("geometry", members={ada: "manager"})
    addresses = [(address.replace("algebra", "geometry"), form) for address, form in posts(algebra)]
    before = state(algebra)
    of_rows = [post for post in addresses if "invite/" not in post[0]]
    assert [manager.post(*post).status_code for post in of_rows] == [404] * 4
    assert state(algebra) == before


def test_strangers_are_sent_to_log_in(algebra: Project, client: Client) -> None:
    before = state(algebra)
    for address, form in posts(algebra)[:4]:
        assert client.post(address, form).headers["Location"].startswith("/login/?next=")
    assert state(algebra)[0] == before[0]


def test_changes_take_a_post(algebra: Project, manager: Client) -> None:
    addresses = posts(algebra)
    assert [manager.get(address).status_code for address, _ in addresses] == [405] * 5
    assert manager.post("/projects/algebra/members/").status_code == 405


def test_a_manager_changes_a_role(manager: Client, bob: Membership) -> None:
    address = reverse("change_role", args=["algebra", bob.pk])
    page = manager.post(address, {"role": "reviewer"}, follow=True).content.decode()
    bob.refresh_from_db()
    assert bob.role == "reviewer"
    assert "bob is now Reviewer." in page


def test_an_unknown_role_is_refused(manager: Client, bob: Membership) -> None:
    address = reverse("change_role", args=["algebra", bob.pk])
    page = manager.post(address, {"role": "owner"}, follow=True).content.decode()
    bob.refresh_from_db()
    assert bob.role == "labeler"
    assert "There is no such role." in page


def test_a_manager_ends_a_part_and_restores_it(manager: Client, bob: Membership) -> None:
    page = manager.post(reverse("end_membership", args=["algebra", bob.pk]), follow=True)
    bob.refresh_from_db()
    assert bob.ended_at is not None
    assert "their marks are kept" in page.content.decode()
    assert "Restore bob" in page.content.decode()
    manager.post(reverse("restore_membership", args=["algebra", bob.pk]))
    bob.refresh_from_db()
    assert bob.ended_at is None


@pytest.mark.parametrize(
    ("name", "form"), [("change_role", {"role": "reader"}), ("end_membership", {})]
)
def test_the_last_manager_is_told_why_they_cannot_leave(
    manager: Client, ada: User, name: str, form: dict[str, str]
) -> None:
    own = ada.memberships.get()
    page = manager.post(reverse(name, args=["algebra", own.pk]), form, follow=True)
    assert "This is the last manager" in page.content.decode()
    own.refresh_from_db()
    assert (own.role, own.ended_at) == ("manager", None)


def test_a_manager_who_ends_their_own_part_lands_where_they_may_be(
    manager: Client, ada: User, algebra: Project
) -> None:
    Membership.objects.create(user=make_user(), project=algebra, role="manager")
    own = ada.memberships.get()
    answer = manager.post(reverse("end_membership", args=["algebra", own.pk]), follow=True)
    assert answer.redirect_chain == [("/projects/", 302)]
    assert answer.status_code == 200


def test_the_link_of_an_invitation_is_shown_once_and_whole(manager: Client) -> None:
    form = {"role": "reviewer", "note": "for Bo", "days": "3"}
    sent = manager.post("/projects/algebra/members/invite/", form)
    assert sent.status_code == 302
    assert sent.cookies["shown_once"]["httponly"]
    assert sent.cookies["shown_once"]["path"] == sent.headers["Location"]
    answer = manager.get(sent.headers["Location"])
    links = re.findall(r"http://testserver/join/([\w-]{43})/", answer.content.decode())
    assert len(links) == 1
    assert "no-store" in answer.headers["Cache-Control"]
    again = manager.get("/projects/algebra/members/").content.decode()
    assert links[0] not in again
    assert "for Bo" in again
    assert Client().get(f"/join/{links[0]}/").status_code == 200


def test_a_link_is_not_shown_that_the_site_did_not_make(manager: Client) -> None:
    manager.cookies["shown_once"] = "made-up"
    assert "/join/" not in manager.get("/projects/algebra/members/").content.decode()


@pytest.mark.parametrize(
    "wrong", [{"role": "owner"}, {"days": "0"}, {"days": "91"}, {"days": "x"}, {"note": "n" * 201}]
)
def test_a_wrong_invitation_is_not_made(manager: Client, wrong: dict[str, str]) -> None:
    form = {"role": "labeler", "note": "", "days": "7", **wrong}
    page = manager.post("/projects/algebra/members/invite/", form).content.decode()
    assert 'class="errorlist"' in page
    assert not Invitation.objects.exists()


def test_a_revoked_invitation_leaves_the_list_and_opens_nothing(
    manager: Client, algebra: Project
) -> None:
    form = {"role": "labeler", "note": "for Bo", "days": "7"}
    page = manager.post("/projects/algebra/members/invite/", form, follow=True).content.decode()
    found = re.search(r"/join/[\w-]+/", page)
    assert found
    invitation = Invitation.objects.get()
    revoke = reverse("revoke_invitation", args=["algebra", invitation.pk])
    assert "for Bo" not in manager.post(revoke, follow=True).content.decode()
    assert "was not open any more" in manager.post(revoke, follow=True).content.decode()
    assert Client().get(found[0]).status_code == 410


def test_names_and_notes_are_shown_as_they_are(manager: Client, algebra: Project) -> None:
    algebra.name = HOSTILE
    algebra.save()
    form = {"role": "labeler", "note": HOSTILE, "days": "7"}
    page = manager.post("/projects/algebra/members/invite/", form, follow=True).content.decode()
    assert HOSTILE not in page
    assert "&lt;img src=x" in page


def test_only_managers_are_shown_the_way_to_the_members(manager: Client, bob: Membership) -> None:
    assert "/projects/algebra/members/" in manager.get("/projects/algebra/").content.decode()
    manager.force_login(bob.user)
    assert "/projects/algebra/members/" not in manager.get("/projects/algebra/").content.decode()

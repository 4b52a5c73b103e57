"""Members and invitations as use cases; the pages are asked in test_members_page and test_join."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection, transaction
from django.utils import timezone

from annotation import ending, members
from annotation.models import Assignment, Invitation, Lease, Membership, Project
from labelers.models import Labeler
from tests.annotation.locks import wait_for_a_lock
from tests.factories import (
    make_annotation,
    make_assignment,
    make_labeler,
    make_lease,
    make_problem,
    make_project,
    make_solution,
    make_user,
)
from web.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return make_user("ada")


@pytest.fixture
def algebra(ada: User) -> Project:
    return make_project("algebra", members={ada: "manager"})


def join(project: Project, role: str, name: str | None = None) -> Membership:
    return Membership.objects.create(user=make_user(name), project=project, role=role)


def invited(project: Project, role: str = "labeler", *, by: User) -> str:
    return members.invite(project=project, role=role, note="", days=7, user=by)[1]


def hold(member: Membership, project: Project | None = None) -> Lease:
    """Put a solution into the hands of a member."""
    labeler, _ = Labeler.objects.get_or_create(
        user=member.user, defaults={"kind": "person", "name": member.user.username}
    )
    solution = make_solution(make_problem(project or member.project))
    return make_lease(make_assignment(solution), labeler)


def test_members_are_listed_by_right_and_name_and_those_who_ended_come_last(
    algebra: Project,
) -> None:
    for name, role in [("zoe", "labeler"), ("Bob", "labeler"), ("cat", "reader")]:
        join(algebra, role, name)
    members.end(membership=join(algebra, "reviewer", "dan"))
    listed = [(m.user.username, m.role) for m in members.list_members(algebra)]
    assert listed == [
        ("ada", "manager"),
        ("Bob", "labeler"),
        ("zoe", "labeler"),
        ("cat", "reader"),
        ("dan", "reviewer"),
    ]


def test_another_role_opens_other_doors(algebra: Project) -> None:
    bob = join(algebra, "reader")
    assert not Project.objects.labelled_by(bob.user).exists()
    members.change_role(membership=bob, role="labeler")
    assert Project.objects.labelled_by(bob.user).get() == algebra


def test_a_membership_that_ended_opens_nothing_and_keeps_its_marks(algebra: Project) -> None:
    bob = join(algebra, "labeler")
    solution = make_solution(make_problem(algebra))
    annotation = make_annotation(solution, make_labeler(user=bob.user), ratings=[1, -1])
    members.end(membership=bob)
    assert not Project.objects.visible_to(bob.user).exists()
    assert annotation.labels.count() == 2
    bob.refresh_from_db()
    assert bob.ended_at is not None


def test_whoever_is_ended_gives_back_what_they_hold_here_and_only_here(algebra: Project) -> None:
    bob = join(algebra, "labeler")
    held, elsewhere = hold(bob), hold(bob, make_project())
    members.end(membership=bob)
    held.refresh_from_db()
    elsewhere.refresh_from_db()
    assert held.outcome == Lease.Outcome.RELEASED
    assert held.assignment.state == Assignment.State.OPEN
    assert elsewhere.ended_at is None


def test_whoever_becomes_a_reader_gives_back_what_they_hold(algebra: Project) -> None:
    bob = join(algebra, "labeler")
    held = hold(bob)
    members.change_role(membership=bob, role="reviewer")
    held.refresh_from_db()
    assert held.ended_at is None
    members.change_role(membership=bob, role="reader")
    held.refresh_from_db()
    assert held.outcome == Lease.Outcome.RELEASED


def test_a_restored_member_takes_part_as_before(algebra: Project) -> None:
    bob = join(algebra, "reviewer")
    members.end(membership=bob)
    restored = members.restore(membership=bob)
    assert (restored.role, restored.ended_at) == ("reviewer", None)
    assert Project.objects.marks_visible_to(bob.user).get() == algebra


def demote(membership: Membership) -> None:
    members.change_role(membership=membership, role="reviewer")


def end(membership: Membership) -> None:
    members.end(membership=membership)


@pytest.mark.parametrize("leave", [demote, end])
def test_the_last_manager_cannot_leave(
    algebra: Project, ada: User, leave: Callable[[Membership], None]
) -> None:
    gone = join(algebra, "manager")
    members.end(membership=gone)
    closed = join(algebra, "manager")
    User.objects.filter(pk=closed.user_id).update(is_active=False)
    own = ada.memberships.get()
    with pytest.raises(members.LastManager):
        leave(own)
    own.refresh_from_db()
    assert (own.role, own.ended_at) == ("manager", None)
    join(algebra, "manager")
    leave(own)
    assert not Project.objects.managed_by(ada).exists()


def test_a_manager_who_ended_can_be_given_another_role(algebra: Project) -> None:
    bob = join(algebra, "manager")
    members.end(membership=bob)
    members.change_role(membership=bob, role="reader")
    assert members.restore(membership=bob).role == "reader"


def both(first: Callable[[], object], second: Callable[[], object]) -> list[bool]:
    """Run two calls at once on connections of their own; say which of them went through."""
    barrier = Barrier(2)

    def attempt(call: Callable[[], object]) -> bool:
        try:
            barrier.wait(timeout=30)
            call()
        except (members.LastManager, members.NotOpen):
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(attempt, [first, second]))


@pytest.mark.django_db(transaction=True)
def test_of_two_managers_who_end_each_other_at_once_one_stays() -> None:
    for _ in range(5):
        project = make_project()
        one, two = join(project, "manager"), join(project, "manager")
        went = both(lambda: members.end(membership=one), lambda: members.end(membership=two))  # noqa: B023 - called before the loop goes on
        assert sorted(went) == [False, True]
        assert Membership.objects.active().filter(project=project).count() == 1


def test_only_a_digest_of_the_secret_is_kept(algebra: Project, ada: User) -> None:
    invitation, secret = members.invite(
        project=algebra, role="labeler", note="for Bob", days=3, user=ada
    )
    assert len(secret) >= 43
    kept = Invitation.objects.filter(pk=invitation.pk).values().get()
    assert kept["secret_digest"] == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in str(kept)
    assert kept["expires_at"] - kept["created_at"] == pytest.approx(
        timedelta(days=3), abs=timedelta(minutes=1)
    )


def test_accepting_makes_a_member_and_a_labeler(algebra: Project, ada: User) -> None:
    bob = make_user("bob")
    member = members.accept(secret=invited(algebra, "reviewer", by=ada), user=bob)
    assert (member.user, member.project, member.role) == (bob, algebra, "reviewer")
    assert Labeler.objects.get(user=bob).name == "bob"
    assert Invitation.objects.get().accepted_by == bob


def test_an_invitation_lets_in_once(algebra: Project, ada: User) -> None:
    secret = invited(algebra, by=ada)
    members.accept(secret=secret, user=make_user())
    with pytest.raises(members.NotOpen):
        members.accept(secret=secret, user=make_user())
    assert algebra.memberships.count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_two_who_accept_at_once_one_comes_in() -> None:
    ada = make_user()
    for _ in range(5):
        project = make_project(members={ada: "manager"})
        secret = invited(project, by=ada)
        one, two = make_user(), make_user()
        went = both(
            lambda: members.accept(secret=secret, user=one),  # noqa: B023 - called before the loop goes on
            lambda: members.accept(secret=secret, user=two),  # noqa: B023 - as above
        )
        assert sorted(went) == [False, True]
        assert project.memberships.count() == 2


@pytest.mark.parametrize(
    "change",
    [
        {"expires_at": timezone.now() - timedelta(seconds=1)},
        {"revoked_at": timezone.now()},
    ],
)
def test_a_closed_invitation_lets_nobody_in(
    algebra: Project, ada: User, change: dict[str, object]
) -> None:
    secret = invited(algebra, by=ada)
    Invitation.objects.update(**change)
    with pytest.raises(members.NotOpen):
        members.accept(secret=secret, user=make_user())
    assert algebra.memberships.count() == 1


def test_an_invitation_by_an_account_that_was_closed_lets_nobody_in(
    algebra: Project, ada: User
) -> None:
    secret = invited(algebra, by=ada)
    User.objects.filter(pk=ada.pk).update(is_active=False)
    with pytest.raises(members.NotOpen):
        members.accept(secret=secret, user=make_user())


def test_an_invitation_by_who_manages_no_longer_lets_nobody_in(algebra: Project, ada: User) -> None:
    secret = invited(algebra, by=ada)
    make_project(members={ada: "manager"})
    for change in ({"role": "reviewer"}, {"role": "manager", "ended_at": timezone.now()}):
        algebra.memberships.filter(user=ada).update(**change)
        with pytest.raises(members.NotOpen):
            members.accept(secret=secret, user=make_user())
    assert algebra.memberships.count() == 1


def test_a_superuser_invites_without_being_a_member(algebra: Project) -> None:
    secret = invited(algebra, by=make_user(is_superuser=True))
    members.accept(secret=secret, user=make_user())
    assert algebra.memberships.count() == 2


def test_a_secret_that_was_never_given_out_lets_nobody_in(algebra: Project, ada: User) -> None:
    invited(algebra, by=ada)
    with pytest.raises(members.NotOpen):
        members.accept(secret=Invitation.objects.get().secret_digest, user=make_user())


@pytest.mark.parametrize(
    ("was", "invitation", "becomes"),
    [
        ("reviewer", "labeler", "reviewer"),
        ("manager", "reader", "manager"),
        ("reader", "labeler", "labeler"),
        ("labeler", "manager", "manager"),
    ],
)
def test_accepting_never_takes_a_right_from_a_member(
    algebra: Project, ada: User, was: str, invitation: str, becomes: str
) -> None:
    bob = join(algebra, was)
    member = members.accept(secret=invited(algebra, invitation, by=ada), user=bob.user)
    assert (member.pk, member.role) == (bob.pk, becomes)


def test_whoever_was_ended_comes_back_in_the_role_of_the_invitation(
    algebra: Project, ada: User
) -> None:
    bob = join(algebra, "manager")
    members.end(membership=bob)
    member = members.accept(secret=invited(algebra, "labeler", by=ada), user=bob.user)
    assert (member.pk, member.role, member.ended_at) == (bob.pk, "labeler", None)


@pytest.mark.parametrize("leave", [demote, end])
def test_a_manager_who_leaves_cannot_come_back_through_a_link_of_their_own(
    algebra: Project, leave: Callable[[Membership], None]
) -> None:
    bob = join(algebra, "manager")
    secret = invited(algebra, "manager", by=bob.user)
    elsewhere = invited(make_project(members={bob.user: "manager"}), by=bob.user)
    leave(bob)
    with pytest.raises(members.NotOpen):
        members.accept(secret=secret, user=bob.user)
    assert members.accept(secret=elsewhere, user=make_user())


def test_revoking_closes_an_open_invitation_once(algebra: Project, ada: User) -> None:
    invitation, _ = members.invite(project=algebra, role="labeler", note="", days=1, user=ada)
    assert members.revoke(invitation=invitation)
    assert not members.revoke(invitation=invitation)
    invitation.refresh_from_db()
    assert invitation.revoked_at is not None


@pytest.mark.django_db(transaction=True)
def test_whoever_is_ended_while_they_give_something_back_holds_nothing(ada: User) -> None:
    algebra = make_project("algebra", members={ada: "manager"})
    bob = join(algebra, "labeler")
    first, second = hold(bob), hold(bob)
    with ThreadPoolExecutor() as manager:
        with transaction.atomic():
            # As `ending.release` begins: the places of the queue are not locked yet.
            Lease.objects.select_for_update().get(pk=second.pk)
            ended = manager.submit(end_and_close, bob)
            wait_for_a_lock()
            ending.release(second)
        ended.result()
    outcomes = Lease.objects.filter(pk__in=[first.pk, second.pk]).values_list("outcome", flat=True)
    assert list(outcomes) == ["released", "released"]


def end_and_close(membership: Membership) -> None:
    try:
        members.end(membership=membership)
    finally:
        connection.close()

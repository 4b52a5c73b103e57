"""Every address of the site, asked as everybody: whoever has no right learns nothing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from pytest_django.plugin import DjangoDbBlocker

from annotation import labelling, routing, webhooks
from annotation.models import Assignment, Invitation, Lease, Membership, Project
from annotation.service_accounts import make_service_account, make_service_token
from datasets_app.models import HeldOut
from labelers.registration import labeler_of
from tests.factories import (
    make_annotation,
    make_assignment,
    make_invitation,
    make_labeler,
    make_lease,
    make_problem,
    make_project,
    make_snapshot,
    make_solution,
    make_upload,
    make_user,
    make_verdict,
)
from web.models import User

pytestmark = pytest.mark.django_db

READER, LABELER, REVIEWER, MANAGER = "reader", "labeler", "reviewer", "manager"
ALL = {READER, LABELER, REVIEWER, MANAGER}
WORKERS = ALL - {READER}
REVIEWERS = {REVIEWER, MANAGER}
MARK_READERS = ALL - {LABELER}
MANAGERS = {MANAGER}
NOBODY: set[str] = set()
"""Superusers only."""
OWN = {"owner"}
"""Only whoever holds or made what the address names."""

GET: dict[str, set[str]] = {
    "project": ALL, "problems": ALL, "problem": ALL, "solutions": ALL, "solution": ALL,
    "guidelines": ALL, "members": MANAGERS, "project_settings": MANAGERS,
    "edit_guidelines": MANAGERS, "archive": MANAGERS, "clone": MANAGERS, "report": MANAGERS,
    "report_csv": MANAGERS, "label": WORKERS, "label_guidelines": WORKERS,
    "label_review": REVIEWERS, "routing": MANAGERS,
    "label_practice": WORKERS, "label_exercise": WORKERS, "label_assignment": OWN,
    "label_candidates": OWN, "label_explanations": OWN,
    "api_candidates": OWN, "runs": MANAGERS, "run": MANAGERS, "api_runs": MANAGERS,
    "api_run": MANAGERS,
    "api_project": ALL, "api_problems": ALL, "api_problem": ALL, "api_solutions": ALL,
    "api_solution": ALL, "api_steps": ALL, "api_step": ALL, "api_annotations": ALL,
    "api_annotation": MARK_READERS | OWN, "api_annotation_changes": ALL,
    "api_verdicts": MARK_READERS, "api_verdict": MARK_READERS,
    "api_verdict_changes": MARK_READERS, "api_labelers": MARK_READERS,
    "api_labeler": MARK_READERS,
    "api_webhooks": MANAGERS, "api_webhook": MANAGERS,
    "service_accounts": MANAGERS, "service_account": MANAGERS, "imports": MANAGERS,
    "import": MANAGERS, "import_errors": MANAGERS, "api_service_accounts": MANAGERS,
    "api_service_account": MANAGERS, "api_import": MANAGERS, "api_import_errors": MANAGERS,
    "api_import_errors_csv": MANAGERS,
    "api_deliveries": MANAGERS, "webhooks": MANAGERS, "webhook": MANAGERS,
    "datasets": MARK_READERS, "dataset": MARK_READERS, "snapshot": MARK_READERS,
    "snapshot_file": MARK_READERS, "comparison": MARK_READERS,
    "new_dataset": MANAGERS, "hold_out": MANAGERS,
    "edit_dataset": MANAGERS, "freeze": MANAGERS, "api_datasets": MARK_READERS,
    "api_dataset": MARK_READERS, "api_snapshots": MARK_READERS, "api_snapshot": MARK_READERS,
    "api_snapshot_file": MARK_READERS, "api_held_outs": MARK_READERS, "api_held_out": MARK_READERS,
}  # fmt: skip
POST: dict[str, set[str]] = {
    **dict.fromkeys(
        [
            "change_role", "end_membership", "restore_membership", "invite", "revoke_invitation",
            "route", "pause", "resume", "release", "release_labeler", "archive", "restore",
            "clone", "project_settings", "edit_guidelines", "practice_choice", "routing",
            "solution_priority", "runs", "pause_run", "cancel_run", "resume_run", "retry_run",
            "webhooks", "rotate_webhook", "enable_webhook", "ping_webhook", "delete_webhook",
            "service_accounts", "service_account", "revoke_service_token", "imports",
            "api_service_accounts", "api_service_tokens", "redeliver", "api_imports",
            "api_webhooks", "api_rotate_webhook", "api_enable_webhook",
            "api_ping_webhook", "api_redeliver",
            "new_dataset", "hold_out", "edit_dataset", "freeze", "add_formats",
            "resume_snapshot", "comparison", "api_datasets",
            "api_snapshots", "api_exports", "api_comparisons", "api_held_outs",
            "api_runs", "api_pause_run", "api_cancel_run", "api_resume_run", "api_retry_run",
        ],
        MANAGERS,
    ),
    "label_check": WORKERS, "api_next": WORKERS, "api_undo": WORKERS,
    "api_review": REVIEWERS, "api_sampling": NOBODY,
    "api_token_lengths": NOBODY,
    "label_correct": OWN, "api_submit": OWN, "api_skip": OWN, "api_release": OWN,
    "api_extend": OWN, "api_correct": OWN, "api_candidates": OWN, "api_choose": OWN,
}  # fmt: skip
PUT: dict[str, set[str]] = {"api_draft": OWN}
DELETE: dict[str, set[str]] = {"api_service_token": MANAGERS, "api_held_out": MANAGERS}
BUILDING = {"api_candidates", "api_choose", "label_candidates"}
"""Addresses of explore mode alone."""
IMPORTS = {"import", "import_errors", "api_import", "api_import_errors", "api_import_errors_csv"}
FILES = {"api_snapshot_file"}
OPEN = {"login", "favicon", "health", "join"}
"""Addresses for everybody; their own tests say what they tell."""
USERS = {"api_schema", "api_projects"}
"""Addresses for programs of every user: each gets what is theirs."""
PERSONAL = {
    "logout", "home", "projects", "new_project", "work", "account", "account_keys",
    "account_password", "tokens", "revoke_token", "api_docs",
}  # fmt: skip
"""Addresses that show only what belongs to whoever asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A project with one of everything that an address may name."""

    project: Project
    people: dict[str, User]
    strangers: tuple[User, ...]
    """Who has nothing to do with the project, is a manager elsewhere, or was one here."""
    names: dict[str, Any]
    special: dict[str, dict[str, Any]]
    """What one address names instead."""


@pytest.fixture(scope="module")
def place(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Place]:
    """Made once: the transaction of each test lies within this one and takes its changes back."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_place()
        transaction.set_rollback(True)


def make_place() -> Place:
    people = {role: make_user(role) for role in (*ALL, "owner")}
    roles = {user: role for role, user in people.items() if role != "owner"}
    people[MANAGER].user_permissions.add(Permission.objects.get(codename="add_project"))
    project = make_project("eggs", members={**roles, people["owner"]: LABELER})
    solution = make_solution(make_problem(project))
    routing.route(project=project)
    labeler = labeler_of(people["owner"])
    lease = make_lease(Assignment.objects.get(), labeler)
    past = make_lease(make_assignment(make_solution(solution.problem, ["Past."])), labeler)
    past.end(Lease.Outcome.SUBMITTED)
    annotation = make_annotation(past.solution, labeler, lease=past, assignment=past.assignment)
    step = solution.steps.earliest("position")
    make_verdict(step, annotations=[annotation.pk])
    invitation = make_invitation(project, people[MANAGER])
    upload = make_upload(project)
    program = make_service_account(project=project, name="checker")
    webhook = webhooks.make_webhook(
        project=project,
        url="https://hooks.example.org",
        events=["run.finished"],
        user=people[MANAGER],
    )
    elsewhere, gone = make_user(), make_user()
    make_project("elsewhere", members={elsewhere: MANAGER})
    Membership.objects.create(user=gone, project=project, role=MANAGER, ended_at=project.created_at)
    return Place(
        project=project,
        people=people,
        strangers=(make_user(), elsewhere, gone),
        names={
            "slug": "eggs",
            "problem_id": solution.problem_id,
            "solution_id": solution.pk,
            "assignment_id": lease.assignment_id,
            "annotation_id": annotation.pk,
            "lease_id": lease.pk,
            "labeler_id": labeler.pk,
            "labeler_uuid": labeler.uuid,
            "step_id": step.pk,
            "membership_id": Membership.objects.get(user=people["owner"]).pk,
            "invitation_id": invitation.pk,
            "run_id": labelling.request(project=project, labeler=make_labeler()).pk,
            "number": 1,
            "member_id": program.pk,
            "token": make_service_token(membership=program, name="a", scopes=["label"], days=1)[
                0
            ].token_key,
            "webhook_id": webhook.pk,
            "delivery": webhooks.ping(project=project, webhook=webhook).uuid,
            "secret": "nothing",
            "name": make_snapshot(project).dataset.slug,
            "version": 1,
            "path": "manifest.json",
            "held_out_id": HeldOut.objects.create(
                project=project, name="eval", texts=["?"], sha256="0" * 64
            ).pk,
        },
        special={
            "api_correct": {"assignment_id": past.assignment_id},
            **{name: {"run_id": upload.pk} for name in IMPORTS},
        },
    )


def patterns(resolver: URLResolver, above: str = "") -> Iterator[tuple[str, str]]:
    """Yield the name and the route of every address but the admin's."""
    for pattern in resolver.url_patterns:
        route = above + str(pattern.pattern)
        if route.startswith("admin/"):
            continue
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern, route)
        elif isinstance(pattern, URLPattern):
            yield str(pattern.name), route


ROUTES = dict(patterns(get_resolver()))


def ask(place: Place, user: User | None, method: str, name: str, query: str = "") -> int:
    client = Client()
    if name in BUILDING:
        Project.objects.update(mode=Project.Mode.EXPLORE)
    if user is not None:
        client.force_login(user)
    names = {**place.names, **place.special.get(name, {})}
    wanted = {key: names[key] for key in re.findall(r"<\w+:(\w+)>", ROUTES[name])}
    response = getattr(client, method)(reverse(name, kwargs=wanted) + query)
    b"".join(response)  # what is streamed is closed by who reads it
    return int(response.status_code)


def test_every_address_says_who_may_come() -> None:
    known = {*GET, *POST, *PUT, *DELETE, *OPEN, *USERS, *PERSONAL}
    assert set(ROUTES) - known == set()
    assert known - set(ROUTES) == set()


DOORS = [
    (method, name, allowed)
    for method, names in (("get", GET), ("post", POST), ("put", PUT), ("delete", DELETE))
    for name, allowed in names.items()
]


@pytest.mark.parametrize(("method", "name", "allowed"), DOORS)
def test_an_address_of_a_project_knows_its_people(
    place: Place, method: str, name: str, allowed: set[str]
) -> None:
    assert ask(place, None, method, name) in {302, 401}
    for stranger in place.strangers:
        assert ask(place, stranger, method, name) == 404
    for role in ALL - allowed:
        assert ask(place, place.people[role], method, name) in {403, 404}, role
    for role in allowed:
        assert ask(place, place.people[role], method, name) not in {401, 403, 404, 405}, role


@pytest.mark.parametrize("name", sorted(name for name in GET if name.startswith("api_")))
def test_a_door_of_the_api_ignores_no_parameter(place: Place, name: str) -> None:
    reader = place.people["owner" if GET[name] == OWN else MANAGER]
    # What some readers put behind the address of a file is none of ours.
    assert ask(place, reader, "get", name, "?colour=red") == (200 if name in FILES else 400)


@pytest.mark.parametrize("name", sorted(USERS))
def test_an_address_for_programs_is_for_users_alone(place: Place, name: str) -> None:
    assert ask(place, None, "get", name) == 401
    assert ask(place, make_user(), "get", name) == 200


@pytest.mark.parametrize("name", sorted(PERSONAL))
def test_a_personal_address_sends_strangers_to_log_in(place: Place, name: str) -> None:
    for method in ("get", "post"):
        assert ask(place, None, method, name) == 302


def test_an_invitation_is_not_known_to_strangers(place: Place) -> None:
    assert ask(place, None, "get", "join") in {404, 410}
    assert Invitation.objects.get().accepted_by is None

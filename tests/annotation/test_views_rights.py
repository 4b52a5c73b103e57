"""What every page has and keeps to. Who may come is asked in tests/test_every_address.py."""

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from annotation.members import invite
from annotation.models import Membership, Problem, Project, Solution
from annotation.service_accounts import make_service_account
from annotation.webhooks import make_webhook
from tests.factories import (
    make_annotation,
    make_invitation,
    make_problem,
    make_project,
    make_run,
    make_snapshot,
    make_solution,
    make_upload,
    make_user,
)

pytestmark = pytest.mark.django_db

OPEN_TO_ANYONE = {"login", "health", "favicon", "join"}
# Each of these is asked as everybody in the tests of its own page.
ONLY_POSTED_TO = {
    "logout", "change_role", "end_membership", "restore_membership", "invite", "revoke_invitation",
    "revoke_token", "route", "pause", "resume", "release", "release_labeler", "restore",
    "practice_choice", "solution_priority", "pause_run", "cancel_run", "resume_run", "retry_run",
    "revoke_service_token", "rotate_webhook", "enable_webhook", "ping_webhook", "delete_webhook",
    "redeliver", "add_formats", "resume_snapshot",
}  # fmt: skip
ALSO_POSTED_TO = {
    "login", "join", "account", "account_keys", "account_password", "tokens", "new_project",
    "archive", "clone", "project_settings", "edit_guidelines", "runs", "routing", "webhooks",
    "service_accounts", "service_account", "imports", "new_dataset", "hold_out", "edit_dataset",
    "freeze", "comparison",
}  # fmt: skip
FOR_MANAGERS = {
    "members", "archive", "clone", "project_settings", "edit_guidelines", "report", "runs", "run",
    "routing", "webhooks", "webhook", "service_accounts", "service_account", "imports", "import",
    "new_dataset", "hold_out", "edit_dataset", "freeze",
}  # fmt: skip
# One needs a permission of the site, the other is a file, and the labelling page gives out work:
# their own tests ask them.
ASKED_ELSEWHERE = {
    "new_project", "report_csv", "import_errors", "snapshot_file",
    "label", "label_review", "label_assignment", "label_candidates", "label_check", "label_correct",
    "label_exercise", "label_explanations", "label_guidelines", "label_practice",
}  # fmt: skip


def named(resolver: URLResolver | None = None) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield each address of ours: its name and what it needs. The admin has its own guard."""
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLPattern) and pattern.name:
            yield pattern.name, frozenset(pattern.pattern.converters)
        elif isinstance(pattern, URLResolver) and pattern.app_name != "admin":
            yield from named(pattern)


ADDRESSES = dict(named())
API = {name for name in ADDRESSES if name.startswith("api_")}
PAGES = sorted(ADDRESSES.keys() - OPEN_TO_ANYONE - ONLY_POSTED_TO - ASKED_ELSEWHERE - API)
OF_A_PROJECT = [name for name in PAGES if "slug" in ADDRESSES[name]]
OF_A_ROW = [name for name in OF_A_PROJECT if ADDRESSES[name] != {"slug"}]


class Place:
    """A project with one of everything that an address can name."""

    def __init__(self, slug: str) -> None:
        self.project: Project = make_project(slug)
        self.problem: Problem = make_problem(self.project, "How many eggs?")
        self.solution: Solution = make_solution(self.problem)
        make_annotation(self.solution, ratings=[1, -1])
        self.membership = Membership.objects.create(
            user=make_user(), project=self.project, role="manager"
        )
        user = self.membership.user
        self.invitation = make_invitation(self.project, user)
        self.snapshot = make_snapshot(self.project, f"steps-of-{slug}")
        self.run = make_run(self.project, state="running", total=3)
        self.upload = make_upload(self.project)
        self.program = make_service_account(project=self.project, name=f"checker-{slug}")
        self.webhook = make_webhook(
            project=self.project,
            url="https://hooks.example.org",
            events=["run.finished"],
            user=user,
        )
        self.secret = invite(project=self.project, role="reader", note="", days=1, user=user)[1]

    def address(self, name: str, *, slug: str | None = None) -> str:
        known = {
            "slug": slug or self.project.slug,
            "problem_id": self.problem.pk,
            "solution_id": self.solution.pk,
            "membership_id": self.membership.pk,
            "invitation_id": self.invitation.pk,
            "secret": self.secret,
            "lease_id": 0,
            "labeler_id": 0,
            "run_id": self.run.pk,
            "name": self.snapshot.dataset.slug,
            "version": 1,
            "path": "manifest.json",
            "webhook_id": self.webhook.pk,
            "member_id": self.program.pk,
            "token": "smk_nothing",
            "delivery": uuid4(),
        }
        if name == "import":
            known["run_id"] = self.upload.pk
        return reverse(name, kwargs={key: known[key] for key in ADDRESSES[name]})

    def member(self, role: str) -> Client:
        user = make_user()
        Membership.objects.create(user=user, project=self.project, role=role)
        user.user_permissions.add(Permission.objects.get(codename="add_project"))
        client = Client()
        client.force_login(user)
        return client


@pytest.fixture
def algebra() -> Place:
    return Place("algebra")


@pytest.fixture
def geometry() -> Place:
    return Place("geometry")


def test_there_are_pages_to_ask() -> None:
    assert {"home", "projects", "project", "problems", "problem", "solutions", "solution"} <= set(
        PAGES
    )


@pytest.mark.parametrize("name", PAGES)
def test_a_stranger_is_sent_to_log_in(client: Client, algebra: Place, name: str) -> None:
    address = algebra.address(name)
    response = client.get(address)
    assert response.status_code == 302
    assert response.headers["Location"] == f"/login/?next={address}"


@pytest.mark.parametrize("name", sorted(set(PAGES) - set(OF_A_PROJECT)))
def test_an_outsiders_lists_leave_the_project_out(
    algebra: Place, client: Client, name: str
) -> None:
    client.force_login(make_user())
    assert "Algebra" not in client.get(algebra.address(name)).content.decode()


@pytest.mark.parametrize("name", OF_A_ROW)
def test_a_row_is_not_found_under_another_project(
    algebra: Place, geometry: Place, name: str
) -> None:
    manager_of_both = algebra.member("manager")
    user = algebra.project.memberships.latest("pk").user
    Membership.objects.create(user=user, project=geometry.project, role="manager")
    assert manager_of_both.get(algebra.address(name)).status_code == 200
    assert manager_of_both.get(algebra.address(name, slug="geometry")).status_code == 404


@pytest.mark.parametrize("name", PAGES)
def test_a_superuser_sees_every_project(algebra: Place, client: Client, name: str) -> None:
    client.force_login(make_user(is_superuser=True))
    assert client.get(algebra.address(name)).status_code == 200


@pytest.mark.parametrize("name", OF_A_PROJECT)
def test_an_archived_project_can_still_be_read(algebra: Place, name: str) -> None:
    algebra.project.archived_at = algebra.project.created_at
    algebra.project.save()
    role = "manager" if name in FOR_MANAGERS else "reader"
    assert algebra.member(role).get(algebra.address(name)).status_code == 200


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("name", sorted({*PAGES, "health", "favicon"} - ALSO_POSTED_TO))
def test_a_page_can_only_be_read(algebra: Place, name: str, method: str) -> None:
    response = getattr(algebra.member("manager"), method)(algebra.address(name))
    assert response.status_code == 405


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
@pytest.mark.parametrize("name", sorted(ONLY_POSTED_TO | ALSO_POSTED_TO))
def test_a_form_can_only_be_shown_and_posted(algebra: Place, name: str, method: str) -> None:
    response = getattr(algebra.member("manager"), method)(algebra.address(name))
    assert response.status_code == 405


@pytest.mark.parametrize("name", [*PAGES, *sorted(OPEN_TO_ANYONE)])
def test_every_page_enforces_the_content_security_policy(algebra: Place, name: str) -> None:
    response = algebra.member("manager").get(algebra.address(name))
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "DENY"
    told = "strict-origin" if name == "join" else "same-origin"
    assert response.headers["Referrer-Policy"] == told


@pytest.mark.parametrize("name", [*PAGES, "login", "join"])
def test_no_page_has_inline_style_or_script(algebra: Place, name: str) -> None:
    page = algebra.member("manager").get(algebra.address(name)).content.decode().lower()
    for forbidden in (" style=", "<style", " onclick=", " onload=", "javascript:"):
        assert forbidden not in page
    assert not re.search(r"<script(?![^>]* src=)", page)


@pytest.mark.parametrize("name", [*PAGES, "login", "join"])
def test_every_page_has_one_heading_a_language_and_a_way_past_the_menu(
    algebra: Place, name: str
) -> None:
    page = algebra.member("manager").get(algebra.address(name)).content.decode()
    assert page.count("<h1") == 1
    assert '<html lang="en">' in page
    assert 'href="#main"' in page
    assert page.count("<main ") == 1


def test_an_error_page_enforces_the_content_security_policy_too(client: Client) -> None:
    assert "default-src 'none'" in client.get("/nowhere/").headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("role", "where_shown", "where_not"),
    [("manager", 1, 1), ("reviewer", 1, 1), ("reader", 1, 1), ("labeler", 1, 0), (None, 0, 0)],
)
def test_grades_are_for_members_and_for_labelers_where_shown(
    role: str | None, where_shown: int, where_not: int
) -> None:
    ada = make_user()
    members = {ada: role} if role else {}
    shown = make_project(members=members, show_reference_answer=True)
    hidden = make_project(members=members, show_reference_answer=False)
    visible = Project.objects.grades_visible_to(ada)
    assert visible.filter(pk=shown.pk).count() == where_shown
    assert visible.filter(pk=hidden.pk).count() == where_not

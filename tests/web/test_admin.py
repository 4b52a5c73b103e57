"""The admin of every app: one test file, since every table answers the same questions."""

from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotation.models import (
    Annotation,
    Assignment,
    MarkChange,
    Position,
    Project,
    Reconsideration,
    RunSlice,
    SolutionTrait,
    Step,
    StepLabel,
    Verdict,
    WorkCost,
)
from datasets_app.models import (
    Dataset,
    Export,
    HeldOut,
    Snapshot,
    SnapshotFile,
    UploadBadLine,
    UploadOccurrence,
    UploadPart,
)
from tests.factories import (
    make_annotation,
    make_assignment,
    make_critique_rating,
    make_invitation,
    make_label,
    make_labeler,
    make_lease,
    make_problem,
    make_project,
    make_run,
    make_solution,
    make_token,
    make_upload,
    make_user,
)
from web.admin import ReadOnlyAdmin
from web.models import ApiToken, Delivery, KeptAnswer, Subscription, User

pytestmark = pytest.mark.django_db

OURS = {"web", "labelers", "annotation", "datasets_app"}
# An index that the database keeps, with a key of four columns, which no admin can show.
KEPT_BY_TRIGGERS = {MarkChange, SolutionTrait}
TABLES = [
    model
    for model in apps.get_models()
    if model._meta.app_label in OURS and model not in KEPT_BY_TRIGGERS
]


@pytest.fixture
def root(client: Client) -> User:
    user = make_user("root", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def fill(number: int) -> None:
    """Make one row more in each table."""
    user = make_user()
    project = make_project(members={user: "manager"})
    solution = make_solution(make_problem(project), ["One."])
    annotation = make_annotation(solution, make_labeler(user=user), ratings=[1])
    step = Step.objects.create(solution=solution, position=9, text="x")
    make_critique_rating(annotation, make_label(annotation, step, None), 1)
    make_lease(make_assignment(solution), make_labeler(user=make_user()))
    WorkCost.objects.create(
        annotation=annotation, calls=1, prompt_tokens=1, completion_tokens=1, work_ms=1
    )
    Verdict.objects.create(
        solution=solution, step=step, rating=1, soft=1, rule="people", annotations=[annotation.pk]
    )
    Reconsideration.objects.ask_for(project, [solution.pk])
    make_invitation(project, user)
    RunSlice.objects.create(run=make_run(project), number=number, payload=[])
    make_token(user)
    subscription = Subscription.objects.create(channel="1", url="https://example.org", events=[])
    Delivery.objects.create(subscription=subscription, event="ping", payload={})
    KeptAnswer.objects.create(user=user, key="1", address="POST /", request_digest="")
    dataset = Dataset.objects.create(project=project, slug="steps", title="Steps")
    HeldOut.objects.create(project=project, name="eval", texts=["One?"], sha256="0" * 64)
    snapshot = Snapshot.objects.create(dataset=dataset, version=1, rules={})
    export = Export.objects.create(
        snapshot=snapshot, name="sft", format="sft", container="parquet", options={}
    )
    SnapshotFile.objects.create(
        snapshot=snapshot,
        export=export,
        kind=SnapshotFile.Kind.ROWS,
        path="sft/train-00000.parquet",
        size=1,
        sha256="0" * 64,
        stored_as="x",
    )
    upload = make_upload(project)
    UploadPart.objects.create(upload=upload, number=1, first_line=1, body=b"")
    UploadBadLine.objects.create(upload=upload, number=1, reason="no JSON")
    UploadOccurrence.objects.create(upload=upload, key=uuid4(), count=1)


def page(model: type[Model], what: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{what}", args=args)


@pytest.mark.parametrize("model", TABLES)
def test_every_table_is_in_the_admin(model: type[Model]) -> None:
    assert admin.site.is_registered(model)


@pytest.mark.parametrize("model", TABLES)
def test_every_list_opens_and_can_be_searched(
    client: Client, root: User, model: type[Model]
) -> None:
    fill(0)
    response = client.get(page(model, "changelist"))
    assert response.status_code == 200
    assert response.context["cl"].result_count >= 1
    assert client.get(page(model, "changelist"), {"q": "1"}).status_code == 200


@pytest.mark.parametrize("model", TABLES)
def test_every_list_takes_as_many_queries_for_many_rows_as_for_one(
    client: Client, root: User, model: type[Model]
) -> None:
    fill(0)
    client.get(page(model, "changelist"))
    counts = []
    for number in range(1, 3):
        with CaptureQueriesContext(connection) as queries:
            client.get(page(model, "changelist"))
        counts.append(len(queries))
        for more in range(3):
            fill(number * 10 + more)
    assert counts[0] == counts[1]


@pytest.mark.parametrize("model", TABLES)
def test_every_row_opens(client: Client, root: User, model: type[Model]) -> None:
    fill(0)
    row = model._default_manager.first()
    assert row is not None
    assert client.get(page(model, "change", row.pk)).status_code == 200


@pytest.mark.parametrize("model", [Annotation, Assignment, Position, StepLabel, Step])
def test_what_is_never_edited_cannot_be_edited(
    client: Client, root: User, model: type[Model]
) -> None:
    fill(0)
    row = model._default_manager.first()
    assert row is not None
    assert isinstance(admin.site.get_model_admin(model), ReadOnlyAdmin)
    for address in (page(model, "add"), page(model, "delete", row.pk)):
        assert client.get(address).status_code == 403
    assert client.post(page(model, "change", row.pk), {"rating": -1}).status_code == 403


def test_a_token_is_described_but_never_shown(client: Client, root: User) -> None:
    token, secret = make_token(root, name="laptop")
    for address in (page(ApiToken, "changelist"), page(ApiToken, "change", token.pk)):
        words = client.get(address).content.decode()
        assert "laptop" in words
        assert "field-digest" not in words
        assert secret not in words


def test_a_token_can_be_taken_away_but_not_made_here(client: Client, root: User) -> None:
    token, _ = make_token(root, name="laptop")
    assert client.get(page(ApiToken, "add")).status_code == 403
    client.post(page(ApiToken, "delete", token.pk), {"post": "yes"})
    assert not ApiToken.objects.exists()


def test_a_project_and_its_members_can_be_made_by_hand(client: Client, root: User) -> None:
    sent = {
        "name": "Algebra", "slug": "algebra", "mode": "review", "overlap": 3, "lease_minutes": 30,
        "skip_minutes": 30, "idle_minutes": 5, "queue_order": "oldest", "candidates": 4,
        "routing": "{}", "drawing": "{}",
        "memberships-TOTAL_FORMS": 1, "memberships-INITIAL_FORMS": 0,
        "memberships-0-user": root.pk, "memberships-0-role": "manager",
    }  # fmt: skip
    response = client.post(page(Project, "add"), sent)
    assert response.status_code == 302, response.context["errors"]
    assert Project.objects.visible_to(root).get().memberships.get().role == "manager"


@pytest.mark.parametrize("address", ["/admin/", "/admin/web/user/", "/admin/annotation/problem/"])
def test_a_user_who_is_not_staff_stays_outside(client: Client, address: str) -> None:
    client.force_login(make_user())
    assert client.get(address).headers["Location"].startswith("/admin/login/")

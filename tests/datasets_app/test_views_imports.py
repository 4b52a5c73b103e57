"""The pages of imports. Who may come: test_every_address."""

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from annotation.models import Problem, Run
from datasets_app.models import Upload
from tests.datasets_app.test_api_imports import problems, work
from tests.factories import make_project, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def own(client: Client) -> Client:
    ada = make_user("ada")
    make_project("eggs", members={ada: "manager"})
    client.force_login(ada)
    return client


def send(own: Client, body: bytes, **more: str) -> str:
    file = SimpleUploadedFile("some.jsonl", body)
    sent = {"kind": "problems", "splitter": "newline", "split": "", **more, "file": file}
    page = own.post(reverse("imports", args=["eggs"]), sent, follow=True)
    return page.content.decode()


def test_a_file_is_sent_and_its_page_says_what_came_of_it(own: Client) -> None:
    page = send(own, problems(3) + b"nonsense <b>\n")
    upload = Upload.objects.get()
    assert "data-refresh" in page
    work(upload.pk)
    page = own.get(reverse("import", args=["eggs", upload.pk])).content.decode()
    assert "Line 4" in page
    assert "data-refresh" not in page
    assert Problem.objects.count() == 3
    listed = own.get(reverse("imports", args=["eggs"])).content.decode()
    assert "3 added, 0 already there, 1 bad lines" in listed
    saved = own.get(reverse("import_errors", args=["eggs", upload.pk]))
    assert saved.getvalue().decode().startswith("line,reason\r\n4,")
    run = own.get(reverse("run", args=["eggs", upload.pk])).content.decode()
    assert reverse("import", args=["eggs", upload.pk]) in run


def test_what_cannot_be_imported_is_said(own: Client, settings: LazySettings) -> None:
    assert "fits no format" in send(own, b'{"a": 1}\n')
    settings.STEPMARK_UPLOAD_MB = 0
    assert "at most" in send(own, problems(1))
    assert not Run.objects.exists()

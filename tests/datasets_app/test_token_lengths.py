"""How long rows are, and what a trainer's longest row would lose."""

import io
from collections.abc import Sequence

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from annotation.models import Project
from datasets_app.models import Snapshot
from datasets_app.snapshots import Wanted
from datasets_app.token_lengths import measure
from tests.datasets_app.frozen import frozen
from tests.datasets_app.loaded import load_json
from tests.datasets_app.marked_json import marked
from tests.datasets_app.prm800k_json import phase_2
from tests.factories import make_user


def words(texts: Sequence[str]) -> list[int]:
    """Count a line break as a token, as tokenizers do."""
    return [len(text.split()) + text.count("\n") for text in texts]


def test_labels_stand_on_the_separator_behind_their_step() -> None:
    # "What is $2+3$?" and a break: 4; "I add." and a break: 3; "That makes 6." and a break: 4.
    found = measure([marked(phase_2())], words, max_length=7, starts_with=1)
    assert (found.rows, found.longest, found.tokens) == (1, 12, 12)
    assert (found.too_long, found.labels, found.lost) == (1, 2, 2)
    fits = measure([marked(phase_2())], words, max_length=8, starts_with=1)
    assert (fits.too_long, fits.lost) == (1, 1)
    whole = measure([marked(phase_2())], words, max_length=12, starts_with=1)
    assert (whole.too_long, whole.lost) == (0, 0)
    assert whole.as_json()["lengths"] == {"0": 1}


def test_what_makes_no_row_has_no_length() -> None:
    record = phase_2()
    record["label"]["finish_reason"] = "give_up"
    found = measure([marked(record)], words, max_length=8)
    assert (found.rows, found.as_json()["lengths"]) == (0, {})


@pytest.mark.django_db(transaction=True)
def test_the_command_counts_by_a_real_tokenizer_and_the_page_shows_it(
    client: Client, tokenizer_folder: str
) -> None:
    load_json([phase_2()])
    snapshot = frozen_one()
    call_command(
        "token_lengths", "math/steps", "1", "--tokenizer", tokenizer_folder, "--max-length", "3"
    )
    (file,) = snapshot.files.filter(path__startswith="token-lengths/")
    assert file.size
    client.force_login(make_user(is_superuser=True))
    page = client.get("/projects/math/datasets/steps/v1/").content.decode()
    assert "A trainer that takes 3 tokens cuts 1 of 1 rows and 2 of 2 labels." in page


@pytest.mark.django_db(transaction=True)
def test_rows_are_counted_as_the_version_has_them_else_as_its_rules_say(
    tokenizer_folder: str,
) -> None:
    load_json([phase_2()])
    project = Project.objects.get(slug="math")
    wide = Wanted(format="trl-stepwise", options={"alternatives": "rows"})
    for snapshot, rows in (
        (frozen(project), 1),
        (frozen(project, alternatives="rows"), 2),
        (frozen(project, wide, alternatives="none"), 2),
        (frozen(project, alternatives="keep"), 1),  # which the format cannot
    ):
        out = io.StringIO()
        version = str(snapshot.version)
        call_command(
            "token_lengths", "math/steps", version, "--tokenizer", tokenizer_folder, stdout=out
        )
        assert out.getvalue().startswith(f"{rows} rows")


@pytest.mark.django_db(transaction=True)
def test_an_unknown_tokenizer_and_version_are_refused(tmp_path: object) -> None:
    load_json([phase_2()])
    frozen_one()
    with pytest.raises(CommandError, match="no tokenizer '/nowhere'"):
        call_command("token_lengths", "math/steps", "1", "--tokenizer", "/nowhere")
    with pytest.raises(CommandError, match="no version 2 of math/steps is frozen"):
        call_command("token_lengths", "math/steps", "2", "--tokenizer", "/nowhere")


def frozen_one() -> Snapshot:
    return frozen(Project.objects.get(slug="math"))

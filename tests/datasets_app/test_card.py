"""The card of a version: its header, and what it says to people."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from annotation.models import Project
from datasets_app.exporters import EXPORTERS
from datasets_app.held_out import digest_of
from datasets_app.hub import header
from datasets_app.models import Dataset, HeldOut, Snapshot
from datasets_app.rules import split_named
from datasets_app.snapshots import Wanted
from tests.datasets_app.frozen import dataset_of, frozen, laid_out
from tests.datasets_app.loaded import load_json
from tests.datasets_app.published import publish
from tests.datasets_app.test_snapshots import record
from tests.factories import make_annotation, make_labeler, make_problem, make_project, make_solution

pytestmark = pytest.mark.django_db(transaction=True)
Json = dict[str, Any]


def card_of(snapshot: Snapshot, folder: Path) -> tuple[Json, str]:
    """Return the header and the body."""
    before, head, body = (
        (laid_out(snapshot, folder) / "README.md").read_text().split("---\n", maxsplit=2)
    )
    assert before == ""
    return yaml.safe_load(head), body


def test_it_says_what_is_in_it_and_how_it_was_made(tmp_path: Path) -> None:
    head, body = card_of(publish("parquet", ["prm800k", "sft"]), tmp_path)
    assert head["license"] == "mit"
    assert head["size_categories"] == ["n<1K"]
    assert head["task_categories"] == ["text-generation", "token-classification"]
    assert [one["config_name"] for one in head["configs"]] == ["prm800k", "sft"]
    assert "| train | 5 | 6 | 6 |" in body
    assert "Everybody's marks count" in body
    assert "| cc88bf76-df08-4041-be67-3464279cb3b1 | person | 3 |" in body
    assert "| not rated | nobody said anything of it: never wrong" in body
    assert "It was not compared with any evaluation set" in body
    assert "readers of PRM800K (Lightman et al." in body


def test_it_says_how_labelers_agree_and_what_was_held_out(tmp_path: Path) -> None:
    load_json(
        [
            *(record(1, labeler=n, error=n < 2) for n in range(3)),
            *(record(2, labeler=n) for n in range(2)),
            record(3),
        ]
    )
    project = Project.objects.get(slug="math")
    texts = ["What is $2+3$?", "What is $2+9$?"]
    HeldOut.objects.create(project=project, name="eval", texts=texts, sha256=digest_of(texts))
    _, body = card_of(frozen(project, held_out=["eval"]), tmp_path)
    assert "5 of 5 marked solutions were marked by two or more" in body
    # Two of three, two of three, one of three, and all of two, twice: in tenths.
    assert "74% of a solution's labelers find the same first mistake" in body
    assert "on 40% all of them do" in body
    assert "Held out: eval, of 2 problems; 1 problems were left out for it" in body
    assert "It was not compared with any evaluation set" not in body


def test_text_of_people_cannot_break_out_of_it(tmp_path: Path) -> None:
    project = make_project("math")
    solution = make_solution(make_problem(project), model="a | b\n<script>*x*")
    make_annotation(solution, make_labeler("_judge_ `x`", judge="rollouts"), ratings=[1, 1])
    dataset = dataset_of(project)
    Dataset.objects.filter(pk=dataset.pk).update(title="---\nA: 'b' # [c]")
    snapshot = frozen(project, Wanted(format="steps"), marks="models")
    head, body = card_of(snapshot, tmp_path)
    assert head["pretty_name"] == "--- A: 'b' # [c]"
    assert head["license"] == "mit"
    assert r"| a \| b \<script\>\*x\* | 1 |" in body
    assert r"| \_judge\_ \`x\` | model, judge rollouts | 1 |" in body
    assert "a strong completer rescues wrong steps" in body


def test_it_is_the_same_again_and_follows_formats_that_are_added(tmp_path: Path) -> None:
    snapshot = publish("parquet", ["steps"])
    again = frozen(Project.objects.get(), Wanted(format="steps"), marks="all", shard_solutions=1)
    one, other = (card_of(made, tmp_path / str(made.pk)) for made in (snapshot, again))
    assert one[0] == other[0]
    assert one[1].replace("Version 1 of", "Version 2 of") == other[1]


def test_a_version_without_formats_has_a_card_without_configurations(tmp_path: Path) -> None:
    head, body = card_of(publish("parquet", []), tmp_path)
    assert "configs" not in head
    assert "no format has been made of it yet" in body


@pytest.mark.parametrize("name", sorted(EXPORTERS))
def test_the_types_in_the_header_are_those_of_the_files(name: str) -> None:
    from dataclasses import asdict

    import datasets

    from datasets_app.exporters import get_exporter
    from datasets_app.exporting import schema_of

    export = {
        "format": name,
        "container": "parquet",
        "options": asdict(get_exporter(name).defaults),
    }
    file = {"kind": "rows", "path": f"{name}/train-00000.parquet", "split": "train", "rows": 1}
    split = {"solutions": 1, "other_keys": {}}
    said = {"exports": {name: export}, "files": [file], "splits": {"train": split}}
    head = yaml.safe_load(header("Title", "", said).strip("-\n"))
    (info,) = head["dataset_info"]
    expected = datasets.Features.from_arrow_schema(schema_of(get_exporter(name)()))
    assert datasets.Features._from_yaml_list(info["features"]) == expected
    assert head["license"] == "other"


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("", "train"),
        ("test", "test"),
        ("Level 1/dev", "level_1_dev"),
        ("../x", "x"),
        ("All", "split_all"),
        ("overall", "overall"),
        ("試験", "split_c4282091"),
    ],
)
def test_splits_of_sources_become_names_that_readers_take(given: str, name: str) -> None:
    assert split_named(given) == name

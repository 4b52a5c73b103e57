from datasets_app.importers import Imported, read_records
from datasets_app.prm800k import prm800k_from_json
from datasets_app.records import AnnotationRecord
from tests.datasets_app.importers.reading import complaint, records
from tests.datasets_app.prm800k_json import phase_1, phase_2
from tests.shared_data import shared_file


def test_a_line_is_one_annotation() -> None:
    assert records("prm800k", phase_1()) == [prm800k_from_json(phase_1())]


def test_a_bad_field_is_named() -> None:
    value = phase_2()
    value["label"]["steps"][1]["completions"][0]["rating"] = 5
    said = complaint("prm800k", value)
    assert said.startswith("label.steps.1.completions.0.rating: must be -1, 0, 1 or null")


def test_the_real_file_is_read_whole() -> None:
    entries = list(read_records(shared_file("prm800k.jsonl"), AnnotationRecord))
    assert [type(entry) for entry in entries] == [Imported] * 6
    assert [entry.number for entry in entries] == [1, 2, 3, 4, 5, 6]

"""The generated records of the benchmarks."""

from bench import prm800k
from datasets_app.prm800k import prm800k_from_json, prm800k_to_json


def test_a_record_depends_on_its_number_and_the_seed_alone() -> None:
    assert prm800k.record(7) == list(prm800k.records(9))[7]
    assert prm800k.record(7) != prm800k.record(7, seed=1)


def test_all_are_records_of_the_format() -> None:
    for record in prm800k.records(300):
        assert prm800k_to_json(prm800k_from_json(record)) == record


def test_they_have_the_shares_of_the_real_ones() -> None:
    records = list(prm800k.records(2000))
    phase_1 = [record for record in records if record["generation"] is None]
    assert 0.03 < len(phase_1) / len(records) < 0.07
    labelled = sum(
        len(step["completions"]) for record in records for step in record["label"]["steps"]
    )
    assert 10 < labelled / len(records) < 11.5
    repeated = [
        record["question"].get("pre_generated_steps")
        for record in records
        if "pre_generated_steps" in record["question"]
    ]
    assert len({tuple(steps) for steps in repeated}) < len(repeated)

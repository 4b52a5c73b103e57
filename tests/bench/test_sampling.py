"""The benchmark of sampling: what it compares the local engine with."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench import sampling
from labelers.engines.local import LocalEngine
from tests.labelers.engines.tiny_model import write_tiny_model

ROOT = Path(__file__).resolve().parents[2]


def test_torch_is_not_imported_before_the_engine_says_how_its_threads_wait() -> None:
    program = "import sys, bench.sampling; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.stdout == "False\n", done.stderr


def test_the_bare_generate_draws_from_the_whole_vocabulary_as_the_engine_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**options: object) -> None:
        pytest.fail(f"it drew from the likeliest tokens alone: {options}")

    monkeypatch.setattr("transformers.generation.utils.TopKLogitsWarper", refuse)
    monkeypatch.setattr(sampling, "TOKENS", 4)
    engine = LocalEngine(model=str(write_tiny_model(tmp_path)), device="cpu")
    engine._model.tokenizer.pad_token = "<unk>"
    sampling._bare_generate(engine, ["A box holds 2 eggs.", "A box holds 3 eggs each."])

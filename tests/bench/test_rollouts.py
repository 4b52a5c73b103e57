"""The benchmark of rollouts: the reference reads every continuation's prefix anew."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from bench import rollouts
from labelers.engines.base import Completion, Decoding, Draw
from labelers.engines.local import LocalEngine
from tests.labelers.engines.tiny_model import write_tiny_model

ROOT = Path(__file__).resolve().parents[2]


def test_torch_is_not_imported_before_the_engine_says_how_its_threads_wait() -> None:
    program = "import sys, bench.rollouts; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.stdout == "False\n", done.stderr


def test_the_reference_reads_every_prefix_whole_and_draws_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = LocalEngine(model=str(write_tiny_model(tmp_path)), batch_size=2, device="cpu")
    monkeypatch.setattr(rollouts, "BATCH_SIZE", 2)
    draws = [
        Draw(prompt="Anna has 5 apples.", prefix=prefix, seed=seed)
        for prefix in (" So", " So 5 + 7", " So 5 + 7 = 12.")
        for seed in (1, 2)
    ]
    decoding = Decoding(temperature=1, max_tokens=4)
    shared = engine.generate(draws, decoding)
    read = 0
    forward = engine._model._logits

    def counting(ids: torch.Tensor, *rest: Any) -> Any:
        nonlocal read
        read += ids.numel() if ids.shape[1] > 1 else 0
        return forward(ids, *rest)

    monkeypatch.setattr(engine._model, "_logits", counting)
    anew = rollouts._draw_anew(engine, draws, decoding)
    assert anew == shared
    assert read == sum(one.prompt_tokens for one in anew)
    assert all(isinstance(one, Completion) for one in shared)


def test_it_measures_nothing_where_greedy_continuations_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = LocalEngine(model=str(write_tiny_model(tmp_path)), batch_size=2, device="cpu")
    draws = [Draw(prompt="Anna has 5 apples.", prefix=text, seed=1) for text in (" So", " So 5")]
    rollouts.check_greedy(engine, draws)
    anew = rollouts._draw_anew
    monkeypatch.setattr(rollouts, "_draw_anew", lambda *asked: anew(*asked)[::-1])
    with pytest.raises(RuntimeError, match="greedy continuations differ"):
        rollouts.check_greedy(engine, draws)

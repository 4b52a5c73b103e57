"""Models for the engines' tests, each loaded once."""

from pathlib import Path

import pytest
import torch

from labelers.engines.local import LocalEngine
from tests.labelers.engines.tiny_model import write_tiny_model

# More threads than free cores make torch wait for itself: tests often share their machine.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path) -> LocalEngine:
    return LocalEngine(model=str(tiny_folder), device="cpu")


@pytest.fixture(scope="session")
def smollm2() -> LocalEngine:
    """The real small model; loading it takes about 15 s."""
    return LocalEngine(model="smollm2", device="cpu")

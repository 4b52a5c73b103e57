"""A real OpenAI-compatible model server for slow tests: `transformers serve` on SmolLM2."""

import copy
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

START_S = 240
STOP_S = 30


@dataclass(frozen=True, kw_only=True)
class ModelServer:
    """Where the server is, and the one model name that it answers to."""

    base_url: str
    model: str


@pytest.fixture(scope="session")
def model_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    """Serve SmolLM2 on a free port of the loopback for the rest of the session."""
    folder = tmp_path_factory.mktemp("smollm2-server")
    write_smollm2(folder / "model")
    with serving(folder / "model", log=folder / "server.log") as server:
        yield server


def write_smollm2(folder: Path) -> None:
    """Write SmolLM2 to `folder`, as `transformers serve` wants it.

    A model that was loaded from a GGUF file cannot be saved, so its weights move to a new one.
    """
    import torch
    from transformers import AutoModelForCausalLM, GenerationConfig

    from labelers.engines.local_model import LocalModel

    loaded = LocalModel("smollm2", chat=None, device="cpu")
    config = copy.deepcopy(loaded.model.config)
    del config.quantization_config
    # Without weights of its own: drawing them takes seconds.
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]  # transformers leaves it so
    model.load_state_dict(loaded.model.state_dict(), assign=True)
    # The server draws greedily, whatever the temperature, unless the model's own settings sample.
    model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]  # transformers leaves it so
        do_sample=True, bos_token_id=1, eos_token_id=2, pad_token_id=2
    )
    model.save_pretrained(folder)
    loaded.tokenizer.save_pretrained(folder)


@contextmanager
def serving(folder: Path, *, log: Path) -> Iterator[ModelServer]:
    """Serve the model in `folder` until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("transformers")), "serve", str(folder)]
    options = ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, *options],
            stdout=output,
            stderr=subprocess.STDOUT,
            # Where other programs want the cores too, torch's threads must not spin (LocalEngine).
            env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_WAIT_POLICY": "PASSIVE"},
        )
        try:
            _wait_for(f"http://127.0.0.1:{port}/health", process, log)
            yield ModelServer(base_url=f"http://127.0.0.1:{port}/v1", model=str(folder))
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url, timeout=5, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.5)
    pytest.fail(f"the model server did not come up:\n{log.read_text(errors='replace')[-4000:]}")

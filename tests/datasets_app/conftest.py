from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings

from annotation.models import Project
from tests.datasets_app.loaded import load_json
from tests.datasets_app.prm800k_json import phase_2


@pytest.fixture(autouse=True)
def kept_here(tmp_path: Path) -> Iterator[Path]:
    """Keep datasets in a folder of the test's own, which it returns."""
    folder = tmp_path / "datasets"
    backend = "django.core.files.storage.FileSystemStorage"
    here = {"BACKEND": backend, "OPTIONS": {"location": str(folder)}}
    with override_settings(STORAGES={**settings.STORAGES, "datasets": here}):
        yield folder


@pytest.fixture
def project() -> Project:
    """A project "math" with one record of PRM800K."""
    load_json([phase_2()])
    return Project.objects.get(slug="math")


@pytest.fixture
def tokenizer_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a folder with a tokenizer whose tokens are words and marks."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    tokens = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokens.pre_tokenizer = pre_tokenizers.Whitespace()
    folder = tmp_path_factory.mktemp("tokenizer")
    PreTrainedTokenizerFast(tokenizer_object=tokens).save_pretrained(folder)  # type: ignore[no-untyped-call]
    return str(folder)

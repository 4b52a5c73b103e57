from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings


@pytest.fixture(autouse=True)
def kept_here(tmp_path: Path) -> Iterator[Path]:
    """Keep datasets in a folder of the test's own, which it returns."""
    folder = tmp_path / "datasets"
    backend = "django.core.files.storage.FileSystemStorage"
    here = {"BACKEND": backend, "OPTIONS": {"location": str(folder)}}
    with override_settings(STORAGES={**settings.STORAGES, "datasets": here}):
        yield folder

"""What every test stands on: the embedded PostgreSQL and Valkey, really running."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import hypothesis
import pytest
from django.conf import settings
from django.core.management.commands import flush
from django.db.backends.postgresql.operations import DatabaseOperations

from config.boot import boot
from tests.model_server import model_server
from tests.once import once
from tests.place import Stepmark, copy, stepmark

# Offered from here, there is one for all modules: each that imports it would make its own.
__all__ = ["model_server"]

boot()
# Test runs side by side or soon after each other share the Valkey, but no key in it.
worker = os.environ.get("PYTEST_XDIST_WORKER", "test")
settings.CACHES["default"]["KEY_PREFIX"] = f"{worker}-{os.getpid()}"
# As slow as the site's own is, it would take much of the tests' time.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Every `Client` would list all static files anew, which takes longer than most requests.
settings.WHITENOISE_AUTOREFRESH = True
# A busy machine is slow now and then; that is no failure of the code.
hypothesis.settings.register_profile("stepmark", deadline=None)
hypothesis.settings.load_profile("stepmark")

KEPT = {"auth_permission", "django_content_type"}
"""Tables that migrations alone fill."""
FILLED_BY_TRIGGERS = {"annotation_markchange", "annotation_solutiontrait"}


def emptying(
    self: DatabaseOperations, style: object, tables: Sequence[str], **options: bool
) -> list[str]:
    """Return what empties `tables` after a test, once nobody writes to them any more.

    Django would TRUNCATE all, which makes and removes hundreds of files for a handful of rows, and
    then make what is in KEPT anew.
    """
    emptied = sorted(set(tables) - KEPT, key=lambda table: (table in FILLED_BY_TRIGGERS, table))
    names = [self.quote_name(table) for table in emptied]
    lock = f"LOCK TABLE {', '.join(names)} IN SHARE ROW EXCLUSIVE MODE"
    return ["; ".join([lock, *(f"DELETE FROM {name}" for name in names)])]


changed = pytest.MonkeyPatch()
changed.setattr(DatabaseOperations, "sql_flush", emptying)
changed.setattr(flush, "emit_post_migrate_signal", lambda *args, **kwargs: None)


@pytest.fixture(scope="session")
def migrated_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a Stepmark that was migrated and stopped, to be copied."""

    def make(folder: Path) -> None:
        with stepmark() as place:
            place.manage("services stop")
            copy(place.home, folder)

    return once(tmp_path_factory, "migrated-home", make)


@pytest.fixture
def place(migrated_home: Path) -> Iterator[Stepmark]:
    """A whole Stepmark of its own, with its own servers and nothing in it."""
    with stepmark(made=migrated_home) as place:
        yield place

"""What the environment decides, and what it is told when it is wrong."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXTERNAL = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none", "SECRET_KEY": "k" * 60}


def setting(name: str, environment: dict[str, str]) -> str:
    """Return a setting as another process sees it, or the error that it ends with."""
    outer = {"DATABASE_URL", "CELERY_BROKER_URL", "CACHE_URL", "SECRET_KEY"}
    kept = {key: value for key, value in os.environ.items() if key not in outer}
    done = subprocess.run(
        [sys.executable, "-c", f"from django.conf import settings; print(settings.{name})"],
        cwd=ROOT,
        env={**kept, "DJANGO_SETTINGS_MODULE": "config.settings", **environment},
        capture_output=True,
        text=True,
    )
    return (done.stdout or done.stderr.strip().splitlines()[-1]).strip()


def test_an_external_database_needs_a_key_from_the_environment() -> None:
    said = setting("SECRET_KEY", {"DATABASE_URL": EXTERNAL["DATABASE_URL"]})
    assert "set SECRET_KEY: it is required with DATABASE_URL" in said


def test_the_embedded_key_is_kept_in_the_home_and_long() -> None:
    first = setting("SECRET_KEY", {})
    assert len(first) >= 50
    assert setting("SECRET_KEY", {}) == first


def test_an_external_database_is_used_as_told_and_closes_the_site_to_unknown_hosts() -> None:
    assert "'PORT': 9" in setting("DATABASES", EXTERNAL)
    assert setting("ALLOWED_HOSTS", EXTERNAL) == "[]"
    assert setting("SESSION_COOKIE_SECURE", EXTERNAL) == "True"


def test_an_external_broker_needs_a_cache_of_its_own() -> None:
    broker = {"CELERY_BROKER_URL": "redis://broker.test/0"}
    assert "set CACHE_URL" in setting("CACHE_URL", broker)
    cache = {"CACHE_URL": "redis://broker.test/1"}
    assert setting("CACHE_URL", {**broker, **cache}) == "redis://broker.test/1"


def test_another_kind_of_database_is_refused() -> None:
    said = setting("DATABASES", {**EXTERNAL, "DATABASE_URL": "sqlite:///x"})
    assert "DATABASE_URL must be a postgresql:// address" in said


def test_a_flag_that_is_neither_0_nor_1_is_refused_by_name() -> None:
    assert "STEPMARK_DEBUG is 'yes'" in setting("DEBUG", {"STEPMARK_DEBUG": "yes"})


def test_debug_is_off_unless_asked_for() -> None:
    assert setting("DEBUG", {}) == "False"

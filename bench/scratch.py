"""A database of the benchmarks' own, and the processes that work in it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from django.core.management import call_command
from django.db import connection
from psycopg import sql

DATABASE_VARIABLE = "STEPMARK_BENCH_DATABASE"
PROJECT = "bench"
TABLES = (
    "annotation_problem",
    "annotation_solution",
    "annotation_step",
    "annotation_annotation",
    "annotation_position",
    "annotation_steplabel",
)
KEPT_BY_TRIGGERS = ("annotation_solutiontrait", "annotation_markchange")


@dataclass(frozen=True, slots=True)
class ChildRun:
    """What one import or export took, in a process of its own."""

    seconds: float
    peak_mb: float
    """Peak resident memory of the process."""


@contextmanager
def scratch_database() -> Iterator[None]:
    """Make an empty database beside the configured one, use it, and drop it at the end."""
    name = f"stepmark_bench_{os.getpid()}"
    database = sql.Identifier(name)
    usual = connection.settings_dict["NAME"]
    with _server() as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(database))
    try:
        use_database(name)
        os.environ[DATABASE_VARIABLE] = name
        call_command("migrate", verbosity=0)
        yield
    finally:
        connection.close()
        del os.environ[DATABASE_VARIABLE]
        connection.settings_dict["NAME"] = usual
        with _server() as server:
            drop = sql.SQL("DROP DATABASE {}").format(database)
            # An autovacuum is stopped by this alone: FORCE may not end a superuser's process.
            try:
                server.execute(drop)
            except psycopg.errors.ObjectInUse:
                server.execute(drop + sql.SQL(" WITH (FORCE)"))


def use_database(name: str) -> None:
    """Make Django's connection one to another database of the same server."""
    connection.close()
    connection.settings_dict["NAME"] = name


def run_child(verb: str, path: Path) -> ChildRun:
    """Import or export `path` in a process of its own (bench/child.py)."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.child", verb, str(path)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return ChildRun(**json.loads(done.stdout))


def empty_tables() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(TABLES + KEPT_BY_TRIGGERS)} CASCADE")


def settle() -> None:
    """Bring the tables to rest, so that what was done before is not paid for later."""
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM ANALYZE {', '.join(TABLES + KEPT_BY_TRIGGERS)}")


def _server() -> psycopg.Connection[tuple[object, ...]]:
    parameters = connection.get_connection_params()
    wanted = {
        key: parameters[key] for key in ("host", "port", "user", "password") if parameters.get(key)
    }
    return psycopg.connect(dbname="postgres", autocommit=True, **wanted)

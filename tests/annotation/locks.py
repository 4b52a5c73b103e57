"""Tests with two connections, one of which waits for the other."""

import time

from django.db import connection


def wait_for_a_lock() -> None:
    """Return once another connection waits for what this one has locked."""
    waiting = """
        SELECT EXISTS (
            SELECT 1 FROM pg_locks
            WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))
        )
    """
    while True:
        with connection.cursor() as cursor:
            cursor.execute(waiting)
            if cursor.fetchone() == (True,):
                return
        time.sleep(0.01)

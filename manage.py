#!/usr/bin/env python
"""Stepmark's command line."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line
    from django.db import ProgrammingError
    from psycopg.errors import UndefinedColumn, UndefinedTable

    from config.boot import boot_for
    from config.embedded import EmbeddedError

    boot_for(sys.argv[1:])
    try:
        execute_from_command_line(sys.argv)
    except EmbeddedError as error:
        # The settings read their secret key from the embedded services' home.
        sys.exit(f"stepmark: {error}")
    except ProgrammingError as error:
        if not isinstance(error.__cause__, UndefinedTable | UndefinedColumn):
            raise
        sys.exit("stepmark: the database lacks tables of this version: run `manage.py migrate`")


if __name__ == "__main__":
    main()

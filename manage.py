#!/usr/bin/env python
"""Stepmark's command line."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    from config.boot import boot_for

    boot_for(sys.argv[1:])
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()

"""What every test stands on: the embedded PostgreSQL and Valkey, really running."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from config.boot import boot

boot()

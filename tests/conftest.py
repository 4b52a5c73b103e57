"""What every test stands on: the embedded PostgreSQL and Valkey, really running."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import hypothesis
from django.conf import settings

from config.boot import boot

boot()
# Processes that test side by side share the Valkey, but no key in it.
settings.CACHES["default"]["KEY_PREFIX"] = os.environ.get("PYTEST_XDIST_WORKER", "test")
# A busy machine is slow now and then; that is no failure of the code.
hypothesis.settings.register_profile("stepmark", deadline=None)
hypothesis.settings.load_profile("stepmark")

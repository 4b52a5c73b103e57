"""What every test stands on: the embedded PostgreSQL and Valkey, really running."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import hypothesis
from django.conf import settings

from config.boot import boot

boot()
# Test runs side by side or soon after each other share the Valkey, but no key in it.
worker = os.environ.get("PYTEST_XDIST_WORKER", "test")
settings.CACHES["default"]["KEY_PREFIX"] = f"{worker}-{os.getpid()}"
# A busy machine is slow now and then; that is no failure of the code.
hypothesis.settings.register_profile("stepmark", deadline=None)
hypothesis.settings.load_profile("stepmark")

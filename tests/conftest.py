"""What every test stands on: the embedded PostgreSQL and Valkey, really running."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import hypothesis

from config.boot import boot

boot()
# A busy machine is slow now and then; that is no failure of the code.
hypothesis.settings.register_profile("stepmark", deadline=None)
hypothesis.settings.load_profile("stepmark")

"""The product's settings on the benchmarks' database, with their bare views."""

import os

from bench.scratch import DATABASE_VARIABLE
from config.settings import *  # noqa: F403

DATABASES["default"]["NAME"] = os.environ[DATABASE_VARIABLE]  # noqa: F405
ROOT_URLCONF = "bench.served.urls"

"""The site's own settings, over the benchmarks' database and with the bare views beside its own."""

import os

from bench.scratch import DATABASE_VARIABLE
from config.settings import *  # noqa: F403
from config.settings import DATABASES, STEPMARK_RATES

DATABASES["default"]["NAME"] = os.environ[DATABASE_VARIABLE]
ROOT_URLCONF = "bench.bare_urls"
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
SECURE_SSL_REDIRECT = False
# Requests are counted as ever, and none is refused.
STEPMARK_RATES = dict.fromkeys(STEPMARK_RATES, 10**9)

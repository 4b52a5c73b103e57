"""Settings. Everything that differs between places comes from the environment.

`docs/running.md` lists the variables. Without DATABASE_URL and CELERY_BROKER_URL the
embedded services are used, and the site answers on this machine's own names only.
"""

import os
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

import dj_database_url
import django_stubs_ext
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config import embedded

# Lets generic classes such as ModelAdmin[Row] be written at run time.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
EMBEDDED = "DATABASE_URL" not in os.environ


def from_environment(name: str, why: str) -> str:
    try:
        return os.environ[name]
    except KeyError:
        raise ImproperlyConfigured(f"set {name}: {why}") from None


def flag(name: str, *, default: bool) -> bool:
    value = os.environ.get(name, str(int(default)))
    if value not in {"0", "1"}:
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be 0 or 1")
    return value == "1"


def number(name: str, default: int) -> int:
    value = os.environ.get(name, str(default))
    if not (value.isascii() and value.isdecimal() and int(value)):
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be a whole number above 0")
    return int(value)


def rates(name: str, default: dict[str, int]) -> dict[str, int]:
    """Return requests a minute by scope: `default`, changed as `read=600,write=60` says."""
    found = dict(default)
    for part in names(name):
        scope, _, rate = (word.strip() for word in part.partition("="))
        if scope not in default or not (rate.isascii() and rate.isdecimal()):
            known = ", ".join(default)
            raise ImproperlyConfigured(
                f"{name}: {part!r} must be SCOPE=REQUESTS A MINUTE; scopes: {known}"
            )
        found[scope] = int(rate)
    return found


def networks(name: str) -> list[IPv4Network | IPv6Network]:
    try:
        return [ip_network(part) for part in names(name)]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}") from None


def names(name: str, default: str = "") -> list[str]:
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]


DEBUG = flag("STEPMARK_DEBUG", default=False)
if "SECRET_KEY" in os.environ or not EMBEDDED:
    SECRET_KEY = from_environment("SECRET_KEY", "it is required with DATABASE_URL")
else:
    SECRET_KEY = embedded.secret_key()
ALLOWED_HOSTS = names("STEPMARK_HOSTS", "localhost,127.0.0.1,[::1]" if EMBEDDED else "")
CSRF_TRUSTED_ORIGINS = names("STEPMARK_ORIGINS")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "knox",
    "csp",
    "web",
    "labelers",
    "annotation",
    "datasets_app",
    "config",
]

MIDDLEWARE = [
    "web.errors.RequestIdMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "web.login.LoginWall",
    "web.locale.UserLocale",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

POSTGRESQL = "django.db.backends.postgresql"


def external_database() -> dict[str, Any]:
    parameters = dict(dj_database_url.config())
    if parameters.get("ENGINE") != POSTGRESQL:
        raise ImproperlyConfigured("DATABASE_URL must be a postgresql:// address")
    return parameters


DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **(embedded.database_parameters() if EMBEDDED else external_database()),
        "ENGINE": POSTGRESQL,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


if "CELERY_BROKER_URL" in os.environ:
    CELERY_BROKER_URL = os.environ["CELERY_BROKER_URL"]
    # Never the broker's own database: clearing a cache would clear the queue.
    CACHE_URL = from_environment("CACHE_URL", "it is required with CELERY_BROKER_URL")
else:
    CELERY_BROKER_URL = embedded.broker_url()
    CACHE_URL = os.environ.get("CACHE_URL", embedded.cache_url())
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": CACHE_URL,
        "KEY_PREFIX": "stepmark",
    }
}

CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "stepmark"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    # Bells get lost; PostgreSQL knows what is left to do (docs/adr/0004).
    "ring-again": {"task": "annotation.tasks.ring_again", "schedule": 10.0},
    "route-solutions": {"task": "annotation.tasks.route_solutions", "schedule": 10.0},
    "expire-leases": {"task": "annotation.tasks.expire_leases", "schedule": 10.0},
    "deliver-due": {"task": "web.tasks.deliver_due", "schedule": 10.0},
    "prune": {"task": "web.tasks.prune", "schedule": 3600.0},
}

AUTH_USER_MODEL = "web.User"
AUTHENTICATION_BACKENDS = ["web.login.PeopleBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
KNOX_TOKEN_MODEL = "web.ApiToken"  # noqa: S105 - a model, not a secret
# knox's own migrations would make the token table that ours replaces.
MIGRATION_MODULES = {"knox": None}
REST_KNOX = {"TOKEN_PREFIX": "smk_", "TOKEN_TTL": timedelta(days=90)}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["web.tokens.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": [
        "web.json_bodies.BoundedJSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "web.api_schema.Schema",
    "DEFAULT_THROTTLE_CLASSES": ["web.throttles.ScopeThrottle"],
    "EXCEPTION_HANDLER": "web.errors.exception_handler",
    # `Accept` alone says what is wanted: an unknown parameter is refused.
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Stepmark",
    "DESCRIPTION": "Read step-level training data, label it, and steer runs (docs/api.md).",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "web.api_schema.add_security",
    ],
    "ENUM_NAME_OVERRIDES": {
        "LabelerKind": "labelers.models.Labeler.Kind",
        "RunKind": "annotation.models.Run.Kind",
        "RunState": "annotation.models.Run.State",
        "SnapshotState": "datasets_app.models.Snapshot.State",
    },
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SERVE_AUTHENTICATION": [
        "web.tokens.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    # From the package beside it, with nothing from another host.
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None, "docExpansion": "list"},
}
# Requests a minute of one account. Labelling is not to be held up: its own limit is far away.
STEPMARK_RATES = rates("STEPMARK_RATES", {"read": 1200, "write": 300, "queue": 30_000})
# Networks that webhooks may reach although they are not on the public internet.
STEPMARK_EGRESS_ALLOW = networks("STEPMARK_EGRESS_ALLOW")
STEPMARK_UPLOAD_MB = number("STEPMARK_UPLOAD_MB", 1024)


def dataset_storage(place: str) -> dict[str, Any]:
    """Return Django's setting for a folder or an s3:// address."""
    if not place.startswith("s3://"):
        options: dict[str, Any] = {"location": place}
        return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    if not bucket:
        raise ImproperlyConfigured(f"STEPMARK_DATASETS is {place!r}; it must name a bucket")
    # Keys, region and endpoint are read as Amazon's own tools read them (AWS_ENDPOINT_URL, …).
    options = {
        "bucket_name": bucket,
        "location": prefix,
        "default_acl": None,
        "querystring_auth": True,
    }
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}


LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ja", "日本語")]
LOCALE_PATHS = [BASE_DIR / "config" / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True

# Where published datasets are kept: a folder, or s3://bucket/prefix (docs/running.md).
DATASETS = os.environ.get("STEPMARK_DATASETS", str(embedded.home() / "datasets"))
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "datasets": dataset_storage(DATASETS),
}

STATIC_URL = "static/"
# Served from where the packages keep them: there is nothing to collect.
WHITENOISE_USE_FINDERS = True

HTTPS = flag("STEPMARK_HTTPS", default=not EMBEDDED)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^health/$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
STEPMARK_BEHIND_PROXY = flag("STEPMARK_BEHIND_PROXY", default=False)
if STEPMARK_BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "web.errors.csrf_failure"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "filters": {
        "invitations": {"()": "web.log_filter.HideInvitations"},
        "refusals": {"()": "web.log_filter.HideRefusals"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["invitations", "refusals"],
        }
    },
    "root": {"handlers": ["stderr"], "level": "INFO"},
    # A line for each bell, every ten seconds, would hide the lines that matter.
    "loggers": {
        name: {"level": "WARNING"}
        for name in ("celery.app.trace", "celery.beat", "celery.worker.strategy")
    },
}

"""The Celery entry: `celery -A config.celery worker`."""

import os

from celery import Celery
from celery.signals import heartbeat_sent

from config.boot import boot
from web.health import worker_seen

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
boot()
app = Celery("stepmark")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
heartbeat_sent.connect(worker_seen)

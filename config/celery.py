"""The Celery app: `celery -A config worker`, `celery -A config beat`."""

import os

from celery import Celery
from celery.signals import beat_init, celeryd_init, heartbeat_sent

from config.boot import boot
from web.health import worker_seen

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
app = Celery("stepmark")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
heartbeat_sent.connect(worker_seen)


@celeryd_init.connect
@beat_init.connect
def bring_up_services(**_: object) -> None:
    boot()

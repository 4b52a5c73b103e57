"""Celery's doors to what every app shares."""

from celery import shared_task
from django.db import OperationalError

from web import delivering, pruning


@shared_task(autoretry_for=(OperationalError,), retry_backoff=True, max_retries=5, expires=60)
def deliver_due() -> None:
    """Send what waits in the outbox."""
    delivering.deliver_due()


@shared_task(ignore_result=True, expires=600)
def prune() -> None:
    """Forget what is kept for a while only."""
    pruning.prune()

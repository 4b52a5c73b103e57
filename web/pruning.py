"""What is kept for a while only: answers to come again, and deliveries that have ended."""

from datetime import timedelta

from django.utils import timezone

from web.idempotency import KEPT_FOR
from web.models import Delivery, KeptAnswer

DELIVERIES_KEPT_FOR = timedelta(days=30)


def prune() -> None:
    """Forget answers after KEPT_FOR, and deliveries that ended DELIVERIES_KEPT_FOR ago."""
    now = timezone.now()
    KeptAnswer.objects.filter(created_at__lt=now - KEPT_FOR).delete()
    Delivery.objects.filter(ended_at__lt=now - DELIVERIES_KEPT_FOR).delete()

"""Wires the site. Importing it gives every process the Celery app that its bells go through."""

from config.celery import app

__all__ = ["app"]

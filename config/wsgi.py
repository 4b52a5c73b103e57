"""The WSGI entry: `gunicorn config.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

from config.boot import boot

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
boot()
application = get_wsgi_application()

"""What must not stand in a log: secrets of invitations, which are part of their addresses, and
tracebacks of what is no fault.
"""

import logging
import re

SECRET = re.compile(r"(/join/)[^/\s?&\"']+")


class HideInvitations(logging.Filter):
    """Writes `/join/…` for the address of an invitation, wherever a record names it."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        hidden = SECRET.sub(r"\1…", said)
        if hidden != said:
            record.msg, record.args = hidden, None
        return True


class HideRefusals(logging.Filter):
    """Takes the traceback from what Django says of a refused request: one line is enough."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("django.") and record.levelno < logging.ERROR:
            record.exc_info = record.exc_text = None
        return True

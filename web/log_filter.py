"""What must not stand in a log: the secret of an invitation is part of its address."""

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

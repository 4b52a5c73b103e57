"""Short stable names for long values, so that a unique index can hold them."""

import hashlib
import json
from typing import Any
from uuid import UUID


def digest(*parts: str | None) -> UUID:
    """Return 128 bits of SHA-256 over `parts`; None differs from the empty text.

    Each part is preceded by its length, so that moving text between parts changes the digest.
    """
    whole = hashlib.sha256()
    for part in parts:
        encoded = b"" if part is None else part.encode()
        whole.update(b"-;" if part is None else b"%d;" % len(encoded))
        whole.update(encoded)
    return UUID(bytes=whole.digest()[:16])


def json_digest(value: Any) -> UUID:
    """Return the digest of a JSON value, the same whatever the order of its keys."""
    return digest(json.dumps(value, sort_keys=True, separators=(",", ":")))

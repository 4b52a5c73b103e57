"""What a labeler's tokens cost, by the price in its configuration."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from labelers.trace import Cost

KEY = "price"
"""The setting of every judge's configuration that is the labeler's own."""

PRICE: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "prompt_per_1k": {"type": "number", "minimum": 0},
        "completion_per_1k": {"type": "number", "minimum": 0},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
    },
    "required": ["prompt_per_1k", "completion_per_1k", "currency"],
    "additionalProperties": False,
}
"""JSON Schema of the setting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Money for 1,000 tokens, in a currency by its ISO 4217 code."""

    prompt_per_1k: Decimal
    completion_per_1k: Decimal
    currency: str

    def money(self, cost: Cost) -> Decimal:
        """Return what `cost` is worth, to the millionth."""
        whole = (
            self.prompt_per_1k * cost.prompt_tokens
            + self.completion_per_1k * cost.completion_tokens
        )
        return (whole / 1000).quantize(Decimal("0.000001"))


def price_of(config: Mapping[str, Any]) -> Price | None:
    """Return the price in a checked configuration; None where it has none."""
    price = config.get(KEY)
    if price is None:
        return None
    return Price(
        prompt_per_1k=Decimal(str(price["prompt_per_1k"])),
        completion_per_1k=Decimal(str(price["completion_per_1k"])),
        currency=price["currency"],
    )

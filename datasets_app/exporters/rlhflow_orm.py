"""RLHFlow's outcome rewards as a conversation.

Format: RLHFlow/RLHF-Reward-Modeling, math-rm/README.md.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from datasets_app.exporters.base import Row
from datasets_app.exporters.orm import OrmExporter
from datasets_app.marked import MarkedSolution

if TYPE_CHECKING:
    import pyarrow as pa


class RlhflowOrmExporter(OrmExporter):
    """One turn of the user, the problem with the solution, and `+` or `-` by its final answer."""

    name = "rlhflow-orm"

    def rows_of(self, solution: MarkedSolution) -> Iterator[Row]:
        for row in super().rows_of(solution):
            text = f"{row.value['problem']} {row.value['solution'].strip()}"
            conversations = [
                {"role": "user", "content": text},
                {"role": "assistant", "content": "+" if row.value["is_correct"] else "-"},
            ]
            yield Row({"conversations": conversations}, solution)

    def schema(self) -> "pa.Schema":
        import pyarrow as pa

        turn = pa.struct({"role": pa.string(), "content": pa.string()})
        return pa.schema({"conversations": pa.list_(turn)})

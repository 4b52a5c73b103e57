"""The judges by name. How to add one: docs/judges.md."""

from labelers.judges.arithmetic import ArithmeticJudge
from labelers.judges.base import Judge
from labelers.judges.consistency import ConsistencyJudge
from labelers.judges.first_error import FirstErrorJudge
from labelers.judges.llm_judge import LlmJudge
from labelers.judges.outcome import OutcomeJudge
from labelers.judges.prm import PrmJudge
from labelers.judges.rollouts import RolloutsJudge
from web.registry import lookup

JUDGES: dict[str, type[Judge]] = {
    judge.name: judge
    for judge in (
        ArithmeticJudge,
        ConsistencyJudge,
        FirstErrorJudge,
        LlmJudge,
        OutcomeJudge,
        PrmJudge,
        RolloutsJudge,
    )
}


def get_judge(name: str) -> type[Judge]:
    """Return the judge of that name; raises UnknownName listing the known ones."""
    return lookup("judge", JUDGES, name)

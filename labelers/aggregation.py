"""One score for a solution, made of the scores of its steps.

Formulas: Lightman et al. 2023, "Let's Verify Step by Step" (product, min); RLHFlow's
math-rm/prm_evaluate.py (mean); Zhang et al. 2025, "The Lessons of Developing Process Reward
Models" (last, for models trained on labels from rollouts).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from web.registry import lookup

AGGREGATIONS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "product": math.prod,
    "min": min,
    "last": lambda scores: scores[-1],
    "mean": fmean,
}


def step_score(probabilities: Mapping[str, float]) -> float:
    """Return P(+1) + P(0), how likely a step is not incorrect, from probabilities by class name."""
    # Rounding may take the sum of what a softmax gives a hair above 1.
    return min(1.0, probabilities["1"] + probabilities["0"])


def aggregate(name: str, scores: Sequence[float]) -> float:
    """Return the score of a solution whose steps have these scores, each between 0 and 1.

    Raises ValueError where there are none: the product of nothing, 1, would be the best score
    of all. An unknown name raises UnknownName.
    """
    combine = lookup("aggregation", AGGREGATIONS, name)
    if not scores:
        raise ValueError("there are no step scores to aggregate")
    return combine(scores)

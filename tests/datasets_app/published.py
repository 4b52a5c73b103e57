"""A version with every format, of data that readers stumble over."""

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from annotation.models import Project, Solution
from datasets_app.exporters import EXPORTERS
from datasets_app.importers import get_importer
from datasets_app.loading import load_marks
from datasets_app.models import Snapshot
from datasets_app.snapshots import Wanted
from tests.datasets_app.frozen import frozen
from tests.datasets_app.loaded import imported, load_json, refuse
from tests.datasets_app.prm800k_json import candidate, human, phase_1, phase_2, position

Json = dict[str, Any]
FORMATS = sorted(EXPORTERS)
TREE = {
    "question": "What is $7+1$?",
    "final_answer": "8",
    "reasoning_steps": {
        "text": "What is $7+1$?",
        "mc_value": 0.5,
        "children": [
            {
                "text": "I add.",
                "mc_value": 0.75,
                "children": [
                    {"text": "# Answer\n\n8", "mc_value": 1.0, "children": []},
                    {"text": "# Answer\n\n9", "mc_value": 0, "children": []},
                ],
            }
        ],
    },
}


def records(*, with_odd: bool) -> list[Json]:
    """Return solutions with a mistake, a right one, and one that a person built.

    Some have whole numbers where others have fractions, some nulls alone; keys are absent. With
    `with_odd` there are some that the format does not name.
    """
    wrong, odd, right = phase_2(), phase_2(), phase_2()
    odd["question"]["problem"] = "What is $1+1$? “Ünïcode”, |pipes| and\nlines"
    odd["generation"] = None
    odd["question"] |= {"pre_generated_verifier_score": 1, "ground_truth_solution": None}
    if with_odd:
        odd |= {"note": {"a": [1, "two", None]}}
        odd["label"]["steps"][1]["completions"][0] |= {"corrected_rating": 0}
    right["question"] |= {"problem": "What is $4+4$?", "ground_truth_answer": "8"}
    right["question"]["pre_generated_steps"] = ["I add.", "That makes 8.", "# Answer\n\n8"]
    right["question"]["pre_generated_answer"] = "8"
    texts = right["question"]["pre_generated_steps"]
    right["label"] |= {"finish_reason": "solution", "total_time": None}
    right["label"]["steps"] = [position([candidate(text, 1)], chosen=0) for text in texts]
    built = deepcopy(phase_1())
    built["question"]["problem"] = "What is $5+5$?"
    built["label"]["finish_reason"] = "solution"
    spelt = {"source": 5} if with_odd else {}
    built["label"]["steps"] = [position(None, written=human("10") | spelt)]
    return [wrong, odd, right, built]


def publish(
    container: str, formats: Iterable[str] = FORMATS, *, with_odd: bool = False, **rules: Any
) -> Snapshot:
    """Freeze all of these in `formats`, each problem in a shard of its own."""
    slug = "math"
    load_json(records(with_odd=with_odd), slug)
    tree = get_importer("math-aps-tree")().records(TREE)
    load_marks(project_slug=slug, entries=imported(tree), report=refuse)
    project = Project.objects.get(slug=slug)
    Solution.objects.filter(project=project, problem__text="What is $4+4$?").update(is_correct=True)
    wanted = [Wanted(format=name, container=container) for name in formats]
    return frozen(project, *wanted, **{"marks": "all", "shard_solutions": 1, **rules})

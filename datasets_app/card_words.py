"""What cards say word for word."""

import re

MARKUP = re.compile(r"[\\`*_{}\[\]<>#|~$&]")
"""Characters with which Markdown, or HTML in it, marks something up."""
UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

LABELS = """\
Labels are those of PRM800K: each says what a step is worth behind the steps before it.

| label | meaning |
| --- | --- |
| +1 | the step is right and moves the solution on; so is every step that a person wrote |
| 0 | neutral: right, reasonable and easy to verify, but it does not move the solution on |
| -1 | the step is wrong, cannot be followed, is beside the point, or leads nowhere |
| not rated | nobody said anything of it: never wrong, and never neutral |

What a format makes of the neutral ones, of what follows the first -1, and of other candidates
for a step stands in the table above. The final answer of a solution (`is_correct`) is graded
against the reference answer and says nothing of its steps."""

UNRATED = (
    "Marking mostly stops at the first mistake: what comes after it was never judged, and a step"
    " that is not rated is not a wrong one."
)
MODELS = "Marks of models are not checked by people, unless the rules above say so."
ROLLOUTS = (
    "Marks made of rollouts say whether a completer can still reach the right answer from there,"
    " not whether the step is right: a strong completer rescues wrong steps, a weak one loses"
    " right ones."
)
OUTCOMES = (
    "Where nobody marked the steps, a solution is known by its final answer alone: a right one"
    " may have wrong steps."
)
NOT_HELD_OUT = "It was not compared with any evaluation set: its problems may be in one."

READERS = {
    "math-aps-tree": "OpenR's converters of MATH-APS (OmegaPRM, arXiv 2406.06592).",
    "math-shepherd": "readers of Math-Shepherd (arXiv 2312.08935), and TRL's and OpenR's"
    " converters of it.",
    "openrlhf": "OpenRLHF's PRM trainer, up to version 0.9.5.",
    "orm": "trainers of outcome reward models and other classifiers (Cobbe et al.,"
    " arXiv 2110.14168).",
    "prm800k": "readers of PRM800K (Lightman et al., arXiv 2305.20050).",
    "processbench": "ProcessBench's evaluation (arXiv 2412.06559).",
    "rlhflow-orm": "RLHFlow's outcome rewards, trained with axolotl.",
    "rlhflow-prm": "RLHFlow's process rewards, trained with axolotl.",
    "sft": "TRL's SFTTrainer, and most others.",
    "star": "trainers of language models; rationales as in STaR (arXiv 2203.14465).",
    "step-dpo": "Step-DPO's train.py (arXiv 2406.18629).",
    "steps": "pandas, polars, DuckDB: one flat row a step.",
    "trl-preference": "TRL's DPOTrainer.",
    "trl-stepwise": "TRL's PRMTrainer (up to 1.13).",
    "trl-unpaired": "TRL's KTOTrainer.",
}
"""What reads each format."""

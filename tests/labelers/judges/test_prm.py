"""The process reward model judge, each form against a plain forward pass written out here."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForTokenClassification,
    AutoTokenizer,
    Qwen2Config,
    Qwen2Model,
)

from labelers.judges.prm import PrmJudge
from labelers.judges.prm_layouts import QWEN_SYSTEM
from labelers.trace import Judgement, Trace
from tests.labelers.judges.tiny_prm import (
    write_causal,
    write_encoder_head,
    write_qwen_prm,
    write_token_head,
)

Plain = Callable[[Path, str, Sequence[str]], list[list[float]]]

PROBLEMS: list[tuple[str, list[str]]] = [
    ("Anna has 5 apples and buys 7 more.", ["Step 1: 5 + 7 = 12", "The answer is 12."]),
    ("Ben?", ["3 - 1 = 2"]),
    (
        "A box holds 12 eggs.\nHow many are in 4 boxes?",
        ["4 boxes:", "12 + 12 = 24\n24 + 24 = 48", "", "So 48.", "# Answer\n\n48"],
    ),
    ("What is 15% of 200?", ["15 * 2 = 30", "30"]),
    ("Ben?", ["3 + 1 = 4", "4 - 1 = 3", "3"]),
]
TRACES = [
    Trace(problem=problem, reference_answer=None, steps=tuple(steps), final_answer=None)
    for problem, steps in PROBLEMS
]


def probabilities_of(judgement: object) -> list[list[float]]:
    """Every step's P(-1), P(0), P(+1), those after the first -1 as well."""
    assert isinstance(judgement, Judgement), judgement
    marked = [step.probabilities or {} for step in judgement.steps]
    read = [*marked, *judgement.evidence["probabilities_after_error"]]
    return [[step["-1"], step["0"], step["1"]] for step in read]


def judged(
    folder: Path, traces: Sequence[Trace] = TRACES, **config: Any
) -> list[list[list[float]]]:
    judge = PrmJudge(model=str(folder), device="cpu", **config)
    return [probabilities_of(judgement) for judgement in judge.judge(traces)]


def in_full(shares: torch.Tensor) -> list[list[float]]:
    """Rows of P(-1), P(+1) or P(-1), P(0), P(+1), as three."""
    return [[row[0], 0.0, row[1]] if len(row) == 2 else row for row in shares.tolist()]


def loaded(kind: Any, folder: Path) -> Any:
    return kind.from_pretrained(folder).eval()


# --- The plain forward passes: one solution at a time ------------------------------------------


def plain_token_head(
    folder: Path, problem: str, steps: Sequence[str], separator: str = "\n"
) -> list[list[float]]:
    """Label positions as TRL's PRMTrainer.tokenize_row places them."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = loaded(AutoModelForTokenClassification, folder)
    separator_ids = tokenizer.encode(separator, add_special_tokens=False)
    prompt_ids = tokenizer(problem + "\n", add_special_tokens=False)["input_ids"]
    if tokenizer.bos_token_id is not None:
        prompt_ids = [tokenizer.bos_token_id, *prompt_ids]
    ids, labels = prompt_ids, [-100] * len(prompt_ids)
    for step in steps:
        completion = tokenizer(step, add_special_tokens=False)["input_ids"] + separator_ids
        ids = ids + completion
        labels = labels + [-100] * (len(completion) - 1) + [1]
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0]
    return in_full(
        logits[[place for place, label in enumerate(labels) if label != -100]].softmax(-1)
    )


def plain_tag(folder: Path, problem: str, steps: Sequence[str]) -> list[list[float]]:
    """As Math-Shepherd's model card reads its model: at each token that is the tag."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = loaded(AutoModelForCausalLM, folder)
    text = problem + " " + "\n".join(f"{step} ки" for step in steps)
    ids = torch.tensor([tokenizer.encode(text)])
    tag_id = tokenizer.encode("1 ки", add_special_tokens=False)[-1]
    candidates = [tokenizer.encode(sign, add_special_tokens=False)[-1] for sign in "-+"]
    with torch.no_grad():
        logits = model(ids).logits[:, :, candidates]
    return in_full(logits.softmax(-1)[ids == tag_id])


def plain_turns(folder: Path, problem: str, steps: Sequence[str]) -> list[list[float]]:
    """As RLHFlow's prm_evaluate.py: the conversation up to each step, read at the place -3."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = loaded(AutoModelForCausalLM, folder)
    candidates = [tokenizer.encode(sign, add_special_tokens=False)[-1] for sign in "-+"]
    conversation, read = [], []
    for number, step in enumerate(steps):
        content = step if number else f"{problem} {step}"
        conversation.append({"role": "user", "content": content})
        conversation.append({"role": "assistant", "content": "+"})
        text = tokenizer.apply_chat_template(conversation, tokenize=False)
        ids = tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]
        with torch.no_grad():
            read.append(model(ids).logits[0, -3, candidates].softmax(-1))
    return in_full(torch.stack(read))


def plain_extra_0(folder: Path, problem: str, steps: Sequence[str]) -> list[list[float]]:
    """As the model card of Qwen2.5-Math-PRM: the head's second class at each separator."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    weights = load_weights(folder)
    model: Any = Qwen2Model(Qwen2Config.from_pretrained(folder))
    model.eval()
    model.load_state_dict(
        {name[6:]: value for name, value in weights.items() if name.startswith("model.")}
    )
    messages = [
        {"role": "system", "content": QWEN_SYSTEM},
        {"role": "user", "content": problem},
        {"role": "assistant", "content": "<extra_0>".join(steps) + "<extra_0>"},
    ]
    text = tokenizer.apply_chat_template(messages, tokenize=False)
    ids = tokenizer(text, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        states = model(ids).last_hidden_state[ids == tokenizer.convert_tokens_to_ids("<extra_0>")]
        hidden = (states @ weights["score.0.weight"].T + weights["score.0.bias"]).relu()
        logits = hidden @ weights["score.2.weight"].T + weights["score.2.bias"]
    return in_full(logits.softmax(-1))


def load_weights(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def assert_as_plain(plain: Plain, folder: Path, **config: Any) -> None:
    """Compare one solution at a time, and batches with and without padding."""
    expected = [plain(folder, trace.problem, trace.steps) for trace in TRACES]
    assert [len(steps) for steps in expected] == [len(trace.steps) for trace in TRACES]
    assert len({round(shares[0], 3) for steps in expected for shares in steps}) > 6, "no opinions"
    for batch_size in (1, 2, 8):
        read = judged(folder, batch_size=batch_size, **config)
        for steps, expected_steps in zip(read, expected, strict=True):
            assert len(steps) == len(expected_steps)
            for shares, expected_shares in zip(steps, expected_steps, strict=True):
                assert shares == pytest.approx(expected_shares, abs=2e-5)


# --- Each form ----------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("bos", [False, True])
def test_a_token_head_is_read_where_trl_puts_its_labels(
    tmp_path: Path, classes: int, bos: bool
) -> None:
    folder = write_token_head(tmp_path, classes=classes, bos=bos)
    assert_as_plain(plain_token_head, folder, form="token_head")


def test_padding_is_hidden_from_a_model_that_reads_both_ways(tmp_path: Path) -> None:
    folder = write_encoder_head(tmp_path)
    assert_as_plain(plain_token_head, folder, form="token_head")


def test_a_separator_of_several_tokens_is_read_at_its_last(tmp_path: Path) -> None:
    folder = write_token_head(tmp_path)
    plain = partial(plain_token_head, separator="\n\n")
    assert_as_plain(plain, folder, form="token_head", separator="\n\n")


@pytest.mark.parametrize("bos", [False, True])
@pytest.mark.parametrize("spaces_as_tokens", [False, True])
def test_a_tagged_solution_is_read_at_its_tags(
    tmp_path: Path, bos: bool, spaces_as_tokens: bool
) -> None:
    folder = write_causal(tmp_path, bos=bos, spaces_as_tokens=spaces_as_tokens)
    assert_as_plain(plain_tag, folder, form="tag")


def test_turns_are_read_where_each_answer_is_due(tmp_path: Path) -> None:
    folder = write_causal(tmp_path)
    assert_as_plain(plain_turns, folder, form="turns")


def test_qwens_head_is_read_at_its_separators_without_its_code(
    tmp_path: Path,
) -> None:
    folder = write_qwen_prm(tmp_path)
    assert_as_plain(plain_extra_0, folder, form="extra_0")


def test_a_head_of_one_layer_is_read_at_the_separators_too(tmp_path: Path) -> None:
    folder = write_token_head(tmp_path, classes=3)
    read = judged(folder, form="extra_0", system="")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = loaded(AutoModelForTokenClassification, folder)
    text = "<|user|>Ben?<|end|><|assistant|>3 - 1 = 2<extra_0><|end|>"
    ids = tokenizer(text, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        shares = model(ids).logits[0, -2].softmax(-1).tolist()
    assert read[1] == [pytest.approx(shares, abs=2e-5)]

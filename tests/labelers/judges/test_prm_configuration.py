"""What the process reward model judge is configured with, and which models it refuses."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from transformers import Qwen2Config, Qwen2ForCausalLM

from labelers.engines import EngineNotStarted
from labelers.judges.prm import PrmJudge
from labelers.registration import BadConfiguration, check_config, make_judge
from tests.labelers.judges.tiny_prm import (
    SIZES,
    write_causal,
    write_qwen_prm,
    write_token_head,
    write_tokenizer,
)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"model": "m"}, "'form' is a required property"),
        ({"form": "tag"}, "'model' is a required property"),
        ({"form": "scalar", "model": "m"}, "form: 'scalar' is not one of"),
        ({"form": "tag", "model": "m", "separator": "\n"}, "'separator' is not one of"),
        ({"form": "token_head", "model": "m", "tag": "x"}, "'tag' is not one of"),
        ({"form": "turns", "model": "m", "classes": ["-1", "1"]}, "'classes' is not one of"),
        ({"form": "extra_0", "model": "m", "classes": ["0", "1"]}, "classes"),
        ({"form": "tag", "model": "m", "negative_above": 1.5}, "negative_above: 1.5"),
        ({"form": "tag", "model": "m", "aggregation": "median"}, "aggregation: 'median'"),
        ({"form": "tag", "model": "m", "batch_size": 0}, "batch_size: 0"),
    ],
)
def test_a_setting_that_the_form_does_not_have_is_refused_before_a_model_loads(
    config: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadConfiguration) as refused:
        check_config("prm", config)
    assert said in str(refused.value)


def test_every_setting_of_a_form_is_in_the_schema() -> None:
    for form in ("token_head", "tag", "turns", "extra_0"):
        check_config("prm", {"form": form, "model": "m"})
    check_config("prm", {"form": "tag", "model": "m", "good": " +", "bad": " -", "numbered": True})
    check_config("prm", {"form": "extra_0", "model": "m", "system": "", "classes": ["-1", "1"]})


def test_the_work_of_a_model_has_a_worker_of_its_own() -> None:
    assert PrmJudge.needs_own_worker({"form": "tag", "model": "m"})


def test_a_model_without_a_head_is_refused_and_not_read_at_random(tmp_path: Path) -> None:
    causal = str(write_causal(tmp_path / "causal"))
    with pytest.raises(EngineNotStarted, match=r"no weights for score\.bias, score\.weight"):
        make_judge("prm", {"form": "token_head", "model": causal})
    head = str(write_token_head(tmp_path / "head"))
    with pytest.raises(EngineNotStarted, match=r"no weights for lm_head\.weight"):
        make_judge("prm", {"form": "turns", "model": head})


def test_answers_and_separators_that_are_no_single_tokens_are_refused(tmp_path: Path) -> None:
    causal = str(write_causal(tmp_path / "causal"))
    with pytest.raises(BadConfiguration, match="'wrong' is not one token"):
        make_judge("prm", {"form": "tag", "model": causal, "bad": "wrong"})
    head = str(write_token_head(tmp_path / "head"))
    with pytest.raises(BadConfiguration, match="'<step>' is not one token"):
        make_judge("prm", {"form": "extra_0", "model": head, "separator": "<step>"})


def test_a_tag_that_is_one_token_with_what_follows_is_refused(tmp_path: Path) -> None:
    causal = str(write_causal(tmp_path))
    with pytest.raises(BadConfiguration, match="the tag after step 1 is one token with"):
        make_judge("prm", {"form": "tag", "model": causal, "tag": "к", "after_tag": "и"})


def test_a_model_without_a_chat_template_has_no_turns(tmp_path: Path) -> None:
    folder = write_causal(tmp_path)
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(BadConfiguration, match="no chat template"):
        make_judge("prm", {"form": "turns", "model": str(folder)})


def test_a_chat_template_that_refuses_a_role_is_a_wrong_configuration(tmp_path: Path) -> None:
    folder = write_qwen_prm(tmp_path)
    (folder / "chat_template.jinja").write_text("{{ raise_exception('no system role here') }}")
    with pytest.raises(BadConfiguration, match="no system role here"):
        make_judge("prm", {"form": "extra_0", "model": str(folder)})


def test_code_that_comes_with_a_model_is_never_run(tmp_path: Path) -> None:
    write_tokenizer(tmp_path)
    config = Qwen2Config(vocab_size=340, **SIZES)
    Qwen2ForCausalLM(config).save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(
        '{"model_type": "own", "auto_map": {"AutoConfig": "own.Own", "AutoModel": "own.Own"}}'
    )
    (tmp_path / "own.py").write_text("raise SystemExit('run')")
    with pytest.raises(EngineNotStarted, match="does not load"):
        make_judge("prm", {"form": "tag", "model": str(tmp_path)})


def test_without_torch_the_error_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "from labelers.judges import get_judge\n"
        "get_judge('prm')(form='tag', model='smollm2')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "the judge 'prm' needs torch: pip install 'stepmark[local]'" in done.stderr

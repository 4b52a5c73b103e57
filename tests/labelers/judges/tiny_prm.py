"""Process reward models of a few thousand random weights, each with a tokenizer of its own."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import nn
from transformers import (
    BertConfig,
    BertForTokenClassification,
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForTokenClassification,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2Model,
)

# More threads than free cores make torch wait for itself: tests often share their machine.
torch.set_num_threads(1)

CONTEXT = 256
TEXT = (
    "Anna has 5 apples and buys 7 more. Step 1: 5 + 7 = 12 ки\nStep 2: The answer is 12. ки\n"
    "Ben takes 3 - 1 = 2 ки\n"
)
CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] | trim }}<|end|>"
    "{% endfor %}"
)
SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": CONTEXT,
    "initializer_range": 0.5,  # weights large enough for the model to have opinions
}


def write_tokenizer(folder: Path, *, bos: bool = False, spaces_as_tokens: bool = False) -> int:
    """Write a tokenizer, which puts `<s>` before a text with `bos`; returns how many tokens.

    With `spaces_as_tokens` it is of SentencePiece's kind: it puts a space before each text.
    """
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    if spaces_as_tokens:
        # As where line breaks are byte tokens: they merge with nothing.
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Metaspace(), pre_tokenizers.Split("\n", "isolated")]
        )
        tokenizer.decoder = decoders.Metaspace()
        alphabet = sorted(set(TEXT.replace(" ", "▁")))
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<unk>", "<s>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<extra_0>"]
    trainer = trainers.BpeTrainer(
        vocab_size=340, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator([TEXT] * 3, trainer)
    if bos:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", special.index("<s>"))]
        )
    fast = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]  # transformers leaves it so
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        eos_token="<|end|>",
        bos_token="<s>" if bos else None,
    )
    fast.chat_template = CHAT_TEMPLATE
    fast.save_pretrained(folder)
    return int(tokenizer.get_vocab_size())


def write_token_head(
    folder: Path,
    *,
    classes: int = 2,
    names: list[str] | None = None,
    probabilities: list[float] | None = None,
    bos: bool = False,
) -> Path:
    """Write what TRL's PRM trainer saves, with `classes` outputs.

    `names` are what the model itself calls them. With `probabilities` it says these of every step.
    """
    size = write_tokenizer(folder, bos=bos)
    torch.manual_seed(classes)
    labels: dict[str, Any] = (
        {"id2label": dict(enumerate(names))} if names else {"num_labels": classes}
    )
    config = LlamaConfig(vocab_size=size, **SIZES, **labels)
    model = LlamaForTokenClassification(config)  # type: ignore[no-untyped-call]
    if probabilities:
        nn.init.zeros_(model.score.weight)
        model.score.bias.data = torch.tensor(probabilities).log()
    model.save_pretrained(folder)
    return folder


def write_encoder_head(folder: Path) -> Path:
    """Write a token head on a model that reads both ways, which TRL's trainer takes as well."""
    size = write_tokenizer(folder)
    torch.manual_seed(3)
    sizes = {name: value for name, value in SIZES.items() if name != "num_key_value_heads"}
    config = BertConfig(vocab_size=size, **(sizes | {"initializer_range": 0.2}))
    BertForTokenClassification(config).save_pretrained(folder)
    return folder


def write_causal(folder: Path, *, bos: bool = False, spaces_as_tokens: bool = False) -> Path:
    """Write a language model."""
    size = write_tokenizer(folder, bos=bos, spaces_as_tokens=spaces_as_tokens)
    torch.manual_seed(1)
    LlamaForCausalLM(LlamaConfig(vocab_size=size, **SIZES)).save_pretrained(folder)
    return folder


def write_qwen_prm(folder: Path) -> Path:
    """Write a checkpoint with the names, the shapes and the configuration of Qwen2.5-Math-PRM's."""
    size = write_tokenizer(folder)
    torch.manual_seed(2)
    config = Qwen2Config(vocab_size=size, **SIZES)
    width = config.hidden_size
    score = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2))
    weights = {f"model.{name}": value for name, value in Qwen2Model(config).state_dict().items()}
    weights |= {f"score.{name}": value for name, value in score.state_dict().items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    written = config.to_dict() | {
        "architectures": ["Qwen2ForProcessRewardModel"],
        "auto_map": {
            "AutoConfig": "configuration_qwen2_rm.Qwen2RMConfig",
            "AutoModel": "modeling_qwen2_rm.Qwen2ForProcessRewardModel",
        },
    }
    (folder / "config.json").write_text(json.dumps(written))
    return folder

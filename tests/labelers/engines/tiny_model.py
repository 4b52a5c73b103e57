"""A model of a few thousand random weights with a tokenizer of its own, for fast tests."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

CONTEXT = 96
CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
TEXT = "Anna has 5 apples and buys 7 more. The answer is 12.\nEach box holds 4 + 8 = 12 eggs.\n"


def write_tiny_model(folder: Path, *, chat: bool = True, spaces_as_tokens: bool = False) -> Path:
    """Write the model to `folder`, which is returned.

    With `spaces_as_tokens` its tokenizer is of SentencePiece's kind: it drops the leading space
    of whatever it decodes.
    """
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    if spaces_as_tokens:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        tokenizer.decoder = decoders.Metaspace()
        alphabet = sorted(set(TEXT.replace(" ", "▁")))
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<unk>", "<|end|>", "<|user|>", "<|assistant|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator([TEXT], trainer)
    fast = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]  # transformers leaves it so
        tokenizer_object=tokenizer, unk_token="<unk>", eos_token="<|end|>"
    )
    fast.chat_template = CHAT_TEMPLATE if chat else None
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        eos_token_id=fast.eos_token_id,
        bos_token_id=None,
        initializer_range=0.5,  # weights large enough for the model to have opinions
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder

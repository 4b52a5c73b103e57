"""A process reward model in this process.

Importing this module imports torch and transformers; only PrmJudge's constructor does.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForTokenClassification,
    AutoTokenizer,
    Qwen2Config,
    Qwen2Model,
    Qwen2PreTrainedModel,
)
from transformers.modeling_outputs import TokenClassifierOutput

from labelers.engines.pretrained import Marks, load, locate, placement
from labelers.judges.prm_layouts import Placed


class Qwen2ForProcessRewardModel(Qwen2PreTrainedModel):  # type: ignore[no-untyped-call]
    """Qwen2 with a head of two layers and two classes, incorrect and correct, at every token.

    Architecture: the weights of Qwen2.5-Math-PRM, which come with code of their own instead.
    """

    def __init__(self, config: Qwen2Config) -> None:
        super().__init__(config)
        self.model = Qwen2Model(config)
        width = config.hidden_size
        self.score = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2))
        self.post_init()  # type: ignore[no-untyped-call]

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor
    ) -> TokenClassifierOutput:
        states = self.model(input_ids=input_ids, attention_mask=attention_mask)
        return TokenClassifierOutput(logits=self.score(states.last_hidden_state))


class PrmModel:
    """A model with its tokenizer; a language model where `causal`, else one with a head.

    Raises ValueError for a checkpoint that lacks weights of the head: they would be random.
    """

    def __init__(self, model: str, *, causal: bool, device: str | None) -> None:
        source, options = locate(model)
        self.device, dtype = placement(device)
        self.causal = causal
        self.tokenizer = load(AutoTokenizer, source, **options)
        kind = AutoModelForCausalLM if causal else _kind_of_head(source, options)
        self.model, report = load(kind, source, dtype=dtype, output_loading_info=True, **options)
        if report["missing_keys"]:
            missing = ", ".join(sorted(report["missing_keys"]))
            raise ValueError(f"it has no weights for {missing}: is it a model of another form?")
        self.model.to(self.device).eval()
        self.model.config.use_cache = False

    def marks(self, also: Sequence[str]) -> Marks:
        """Return what keeps special tokens, and `also`, out of a text."""
        return Marks(self.tokenizer, also)

    @property
    def class_names(self) -> list[str]:
        """What the model itself calls the classes of its head, an output each."""
        names: dict[int, str] = self.model.config.id2label
        return [names[place] for place in sorted(names)]

    @property
    def context(self) -> int:
        """How many tokens the model can read."""
        limits = [self.tokenizer.model_max_length]
        config = self.model.config.get_text_config()
        limits.append(getattr(config, "max_position_embeddings", limits[0]))
        return int(min(limits))

    @torch.inference_mode()
    def probabilities(
        self, batch: Sequence[Placed], columns: Sequence[int] | None
    ) -> list[list[list[float]]]:
        """Return for each solution and each place to read the probability of each of `columns`.

        These are outputs of the head, or tokens; None is all outputs. They sum to 1.
        """
        width = max(len(placed.ids) for placed in batch)
        # Any token will do behind a text, where the mask hides it. Some tokenizers name a padding
        # token that their model has no embedding for.
        ids = [placed.ids + [0] * (width - len(placed.ids)) for placed in batch]
        mask = [[1] * len(row.ids) + [0] * (width - len(row.ids)) for row in batch]
        places = sorted({place for placed in batch for place in placed.read_at})
        logits = self._logits(self._tensor(ids), self._tensor(mask), self._tensor(places))
        if columns is not None:
            logits = logits[..., list(columns)]
        shares = logits.cpu().double().softmax(-1)
        index = {place: number for number, place in enumerate(places)}
        return [
            shares[row, [index[place] for place in placed.read_at]].tolist()
            for row, placed in enumerate(batch)
        ]

    def _logits(self, ids: torch.Tensor, mask: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        """Return the logits of each row at each of `places` (rows, places, outputs)."""
        if self.causal:
            # A whole vocabulary at every token would be far more than the model itself.
            logits: torch.Tensor = self.model(
                input_ids=ids, attention_mask=mask, logits_to_keep=places
            ).logits
            return logits
        logits = self.model(input_ids=ids, attention_mask=mask).logits
        return logits[:, places]

    def _tensor(self, values: Any) -> torch.Tensor:
        return torch.tensor(values, device=self.device)


def _kind_of_head(source: str, options: dict[str, str]) -> Any:
    """Return what loads the model's head: that of Qwen2.5-Math-PRM is not in transformers."""
    architectures = load(AutoConfig, source, **options).architectures or ()
    if Qwen2ForProcessRewardModel.__name__ in architectures:
        return Qwen2ForProcessRewardModel
    return AutoModelForTokenClassification

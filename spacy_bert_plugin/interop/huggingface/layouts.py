"""Where each architecture keeps the head of a task, and what that head computes.

    vectors -> [hidden -> activation -> norm] -> output

Names and computations are those of transformers, `models/<family>/modeling_<family>.py`, in
https://github.com/huggingface/transformers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

TOKENS, TEXTS = "token classification", "text classification"
MASKED, ENCODER = "masked language model", "encoder"
# Ends of the names of transformers' classes. An encoder's name ends in Model.
TASKS = MappingProxyType(
    {
        "ForTokenClassification": TOKENS,
        "ForSequenceClassification": TEXTS,
        "ForMaskedLM": MASKED,
        "ForPreTraining": MASKED,
        "Model": ENCODER,
    }
)
# Names of activations in config.json -> ours.
ACTIVATION_NAMES = MappingProxyType(
    {
        "gelu": "gelu",
        "gelu_python": "gelu",
        "gelu_new": "gelu_tanh",
        "gelu_fast": "gelu_tanh",
        "gelu_pytorch_tanh": "gelu_tanh",
        "relu": "relu",
        "silu": "silu",
        "swish": "silu",
        "tanh": "tanh",
    }
)


@dataclass(frozen=True)
class HeadLayout:
    """A head in a file.

    output: Module of the last linear map.
    hidden: Module of the linear map before it, "" for none.
    norm: Module of the norm between the two, "" for none.
    activation: Ours, or "@" and the key of config.json that names it.
    pooling: What the head of a text reads: "cls", "pooler", or "@" and a key. "" for tokens.
    has_pooler: Whether the encoder has its pooler in such a file.
    """

    output: str = "classifier"
    hidden: str = ""
    norm: str = ""
    activation: str = "gelu"
    pooling: str = ""
    has_pooler: bool = False

    def read(self, config: Mapping[str, Any], field: str) -> Any:
        """Give a field, looked up in config.json where that decides it."""
        value = getattr(self, field)
        if not value.startswith("@"):
            return value
        found = config.get(value[1:])
        return DEFAULTS[value[1:]] if found is None else found


@dataclass(frozen=True)
class Family:
    """How one architecture names its classes and tensors.

    name: What names of classes begin with.
    prefix: What names of the encoder's tensors begin with beside a head.
    texts, tokens: The heads.
    """

    name: str
    prefix: str
    texts: HeadLayout
    tokens: HeadLayout = HeadLayout()

    def layout(self, task: str) -> HeadLayout:
        """The head of a task."""
        return self.tokens if task == TOKENS else self.texts


# Values of keys that a config.json may leave out.
DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "pooler_hidden_act": "gelu",
        "classifier_activation": "gelu",
        "classifier_bias": False,
        "classifier_pooling": "cls",
        "norm_bias": False,
        "norm_eps": 1e-5,
    }
)
_POOLER = HeadLayout(pooling="pooler", has_pooler=True)
_DENSE_TANH = HeadLayout("classifier.out_proj", "classifier.dense", "", "tanh", "cls")
_CONTEXT = HeadLayout("classifier", "pooler.dense", "", "@pooler_hidden_act", "cls")
_MODERN = HeadLayout(
    "classifier", "head.dense", "head.norm", "@classifier_activation", "@classifier_pooling"
)
FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "albert": Family("Albert", "albert.", _POOLER),
        "bert": Family("Bert", "bert.", _POOLER),
        "camembert": Family("Camembert", "roberta.", _DENSE_TANH),
        "deberta": Family("Deberta", "deberta.", _CONTEXT),
        "deberta-v2": Family("DebertaV2", "deberta.", _CONTEXT),
        "distilbert": Family(
            "DistilBert",
            "distilbert.",
            HeadLayout("classifier", "pre_classifier", "", "relu", "cls"),
        ),
        "electra": Family("Electra", "electra.", replace(_DENSE_TANH, activation="gelu")),
        "longformer": Family("Longformer", "longformer.", _DENSE_TANH),
        "modernbert": Family("ModernBert", "model.", _MODERN, replace(_MODERN, pooling="")),
        "mpnet": Family("MPNet", "mpnet.", _DENSE_TANH),
        "roberta": Family("Roberta", "roberta.", _DENSE_TANH),
        "xlm-roberta": Family("XLMRoberta", "roberta.", _DENSE_TANH),
    }
)
# What ModernBERT's "mean" averages: all pieces of the window.
POOLINGS = MappingProxyType({"cls": "cls", "mean": "pieces", "pooler": "pooler"})


def read_hidden(layout: HeadLayout, config: Mapping[str, Any], *, width: int) -> dict[str, Any]:
    """Settings of the layer between vectors and scores, as our architectures name them.

    RETURNS: `hidden_width` and the rest; "activation" is the file's own name of it.
    """
    if not layout.hidden:
        return {"hidden_width": 0}
    found: dict[str, Any] = {
        "hidden_width": width,
        "activation": layout.read(config, "activation"),
    }
    if layout.norm:
        values = {
            **DEFAULTS,
            **{key: config[key] for key in DEFAULTS if config.get(key) is not None},
        }
        found.update(
            use_bias=bool(values["classifier_bias"]),
            use_norm=True,
            use_norm_bias=bool(values["norm_bias"]),
            norm_eps=float(values["norm_eps"]),
        )
    return found

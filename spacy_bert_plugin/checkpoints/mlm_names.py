"""Names of the tensors of masked-word heads: the hub's and ours, one table for each kind.

    "cls"   cls.predictions.transform.dense.weight  <->  dense.weight

The kinds follow the modules of transformers, `models/<family>/modeling_<family>.py`, in
https://github.com/huggingface/transformers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class HeadKind:
    """How one kind of masked-word head is written.

    dense, norm: Modules before the scores.
    bias: Tensor that is added to the scores.
    activation: Key of config.json that names the activation; None: always gelu.
    eps: Key of config.json for the norm's epsilon; None: always 1e-12.
    prefixes: What the names of all its tensors begin with.
    aliases: Tensors that hold the bias again.
    table: Tensor that holds the piece table again.
    """

    dense: str
    norm: str
    bias: str
    prefixes: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    table: str = ""
    activation: str | None = "hidden_act"
    eps: str | None = "layer_norm_eps"

    @property
    def names(self) -> dict[str, str]:
        """Our name of each tensor -> the hub's."""
        modules = {"dense": self.dense, "norm": self.norm}
        parts = {
            f"{ours}.{part}": f"{hub}.{part}"
            for ours, hub in modules.items()
            for part in ("weight", "bias")
        }
        return {**parts, "bias": self.bias}


KINDS: Mapping[str, HeadKind] = MappingProxyType(
    {
        "cls": HeadKind(
            "cls.predictions.transform.dense",
            "cls.predictions.transform.LayerNorm",
            "cls.predictions.bias",
            ("cls.predictions.",),
            ("cls.predictions.decoder.bias",),
            "cls.predictions.decoder.weight",
        ),
        "lm_head": HeadKind(
            "lm_head.dense",
            "lm_head.layer_norm",
            "lm_head.bias",
            ("lm_head.",),
            ("lm_head.decoder.bias",),
            "lm_head.decoder.weight",
            activation=None,
        ),
        "generator": HeadKind(
            "generator_predictions.dense",
            "generator_predictions.LayerNorm",
            "generator_lm_head.bias",
            ("generator_predictions.", "generator_lm_head."),
            table="generator_lm_head.weight",
            activation=None,
        ),
        "vocab": HeadKind(
            "vocab_transform",
            "vocab_layer_norm",
            "vocab_projector.bias",
            ("vocab_transform.", "vocab_layer_norm.", "vocab_projector."),
            table="vocab_projector.weight",
            activation="activation",
            eps=None,
        ),
        "predictions": HeadKind(
            "predictions.dense",
            "predictions.LayerNorm",
            "predictions.bias",
            ("predictions.",),
            ("predictions.decoder.bias",),
            "predictions.decoder.weight",
        ),
        "lm_predictions": HeadKind(
            "lm_predictions.lm_head.dense",
            "lm_predictions.lm_head.LayerNorm",
            "lm_predictions.lm_head.bias",
            ("lm_predictions.",),
        ),
        "decoder": HeadKind(
            "head.dense",
            "head.norm",
            "decoder.bias",
            ("head.", "decoder."),
            table="decoder.weight",
            activation="classifier_activation",
            eps="norm_eps",
        ),
    }
)
# What transformers reads for a family; "cls" for all others.
_KIND_OF = {
    "roberta": "lm_head",
    "xlm-roberta": "lm_head",
    "camembert": "lm_head",
    "longformer": "lm_head",
    "mpnet": "lm_head",
    "electra": "generator",
    "convbert": "generator",
    "distilbert": "vocab",
    "albert": "predictions",
    "modernbert": "decoder",
}
# "cls.seq_relationship" of BERT: whether the second text of a window follows the first.
NEXT_SENTENCE = "cls.seq_relationship"
_NORM_PARTS = {"gamma": "weight", "beta": "bias"}


def find_kind(model_type: str, *, is_legacy: bool = True) -> HeadKind:
    """Find the kind of head that transformers reads for an architecture.

    model_type: As in config.json.
    is_legacy: What the key "legacy" says, which DeBERTa has.
    """
    if not is_legacy:
        return KINDS["lm_predictions"]
    return KINDS[_KIND_OF.get(model_type, "cls")]


def match_kind(names: Iterable[str]) -> HeadKind | None:
    """Find the kind of head that a file has, by the bias of its scores.

    RETURNS: None if it has none: heads of other tasks share names, but have no such bias.
    """
    known = set(names)
    for kind in KINDS.values():
        if known.intersection((kind.bias, *kind.aliases)):
            return kind
    return None


def to_head_names(kind: HeadKind, names: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Find our names for the tensors of a head.

    names: All names of a file.
    RETURNS: The hub's name -> ours; and tensors that such a head does not have.
    """
    ours = {hub: name for name, hub in kind.names.items()}
    found: dict[str, str] = {}
    unknown: list[str] = []
    for name in names:
        module, _, part = name.rpartition(".")
        plain = f"{module}.{_NORM_PARTS[part]}" if part in _NORM_PARTS else name
        if plain in ours:
            found[name] = ours[plain]
        elif name.startswith(kind.prefixes) and name not in (kind.table, *kind.aliases):
            unknown.append(name)
    if kind.bias not in found:
        found.update({name: "bias" for name in kind.aliases if name in set(names)})
    return found, unknown

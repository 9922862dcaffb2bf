"""Names of tensors: the hub's and ours, one reversible table for each family.

    "bert"   encoder.layer.3.attention.self.query.weight  <->  layers.3.attention.query.weight

The tables follow the modules of transformers, `models/<family>/modeling_<family>.py`, in
https://github.com/huggingface/transformers.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

# Left: the hub's module. Right: ours. {n} is the number of a layer. A module holds tensors named
# "weight" and "bias"; those names are the same on both sides.
_EMBEDDINGS = {
    "embeddings.word_embeddings": "embeddings.pieces",
    "embeddings.position_embeddings": "embeddings.positions",
    "embeddings.token_type_embeddings": "embeddings.segments",
    "embeddings.LayerNorm": "embeddings.norm",
}
_BERT = {
    **_EMBEDDINGS,
    "encoder.layer.{n}.attention.self.query": "layers.{n}.attention.query",
    "encoder.layer.{n}.attention.self.key": "layers.{n}.attention.key",
    "encoder.layer.{n}.attention.self.value": "layers.{n}.attention.value",
    "encoder.layer.{n}.attention.output.dense": "layers.{n}.attention.output",
    "encoder.layer.{n}.attention.output.LayerNorm": "layers.{n}.attention_norm",
    "encoder.layer.{n}.intermediate.dense": "layers.{n}.up",
    "encoder.layer.{n}.output.dense": "layers.{n}.down",
    "encoder.layer.{n}.output.LayerNorm": "layers.{n}.output_norm",
    "pooler.dense": "pooler",
}
_ELECTRA = {**_BERT, "embeddings_project": "embeddings.projection"}
del _ELECTRA["pooler.dense"]
_DISTILBERT = {
    "embeddings.word_embeddings": "embeddings.pieces",
    "embeddings.position_embeddings": "embeddings.positions",
    "embeddings.LayerNorm": "embeddings.norm",
    "transformer.layer.{n}.attention.q_lin": "layers.{n}.attention.query",
    "transformer.layer.{n}.attention.k_lin": "layers.{n}.attention.key",
    "transformer.layer.{n}.attention.v_lin": "layers.{n}.attention.value",
    "transformer.layer.{n}.attention.out_lin": "layers.{n}.attention.output",
    "transformer.layer.{n}.sa_layer_norm": "layers.{n}.attention_norm",
    "transformer.layer.{n}.ffn.lin1": "layers.{n}.up",
    "transformer.layer.{n}.ffn.lin2": "layers.{n}.down",
    "transformer.layer.{n}.output_layer_norm": "layers.{n}.output_norm",
}
TABLES = {
    "bert": _BERT,
    "roberta": _BERT,
    "xlm-roberta": _BERT,
    "camembert": _BERT,
    "electra": _ELECTRA,
    "distilbert": _DISTILBERT,
}
FAMILIES = tuple(TABLES)

# What a file with a task's head puts before the names of the encoder.
PREFIXES = {
    "bert": "bert.",
    "roberta": "roberta.",
    "xlm-roberta": "roberta.",
    "camembert": "roberta.",
    "electra": "electra.",
    "distilbert": "distilbert.",
}
_PARAMETERS = {"weight": "weight", "bias": "bias", "gamma": "weight", "beta": "bias"}
# Tensors that are known and not needed: constant buffers, and heads of other tasks.
_BUFFERS = ("embeddings.position_ids", "embeddings.token_type_ids")
_HEADS = (
    "cls.",
    "lm_head.",
    "classifier.",
    "pre_classifier.",
    "qa_outputs.",
    "discriminator_predictions.",
    "generator_predictions.",
    "generator_lm_head.",
    "vocab_transform.",
    "vocab_layer_norm.",
    "vocab_projector.",
)


@dataclass(frozen=True)
class NameMap:
    """What the names of a hub file stand for.

    ours: Our name, by the hub's.
    skipped: Known tensors that the encoder does not use: heads of other tasks, constant buffers.
    unknown: Tensors that no encoder of this family has.
    clashes: Tensors whose place in the encoder an earlier one has taken.
    """

    ours: dict[str, str]
    skipped: tuple[str, ...]
    unknown: tuple[str, ...]
    clashes: tuple[str, ...]


def to_ours(family: str, names: Iterable[str]) -> NameMap:
    """Find our names for the tensors of a hub file.

    family: One of `FAMILIES`.
    names: Names of tensors in the file, in any of the spellings in use: with or without the
        family before them, `gamma` and `beta` for the weight and bias of a norm.
    """
    table = [(_compile(hub), ours) for hub, ours in TABLES[family].items()]
    prefix = PREFIXES[family]
    found: dict[str, str] = {}
    skipped: list[str] = []
    unknown: list[str] = []
    clashes: list[str] = []
    for name in names:
        bare = name.removeprefix(prefix)
        ours = _translate(bare, table)
        if ours is None:
            is_known = bare in _BUFFERS or name.startswith(_HEADS)
            (skipped if is_known else unknown).append(name)
        elif ours in found.values():
            clashes.append(name)
        else:
            found[name] = ours
    return NameMap(found, tuple(skipped), tuple(unknown), tuple(clashes))


def to_hub(family: str, names: Iterable[str]) -> dict[str, str]:
    """Find the hub's names, without the family before them, for tensors of our encoder.

    family: One of `FAMILIES`.
    names: Keys of the state_dict of a `BertEncoder` of that family.
    """
    table = [(_compile(ours), hub) for hub, ours in TABLES[family].items()]
    hub_names = {name: _translate(name, table) for name in names}
    return {ours: hub for ours, hub in hub_names.items() if hub is not None}


def _compile(module: str) -> re.Pattern[str]:
    number = r"(?P<n>0|[1-9][0-9]{0,3})"
    pattern = re.escape(module).replace(re.escape("{n}"), number)
    return re.compile(pattern + r"\.(?P<parameter>[a-z]+)", re.ASCII)


def _translate(name: str, table: list[tuple[re.Pattern[str], str]]) -> str | None:
    for pattern, target in table:
        match = pattern.fullmatch(name)
        if match and match["parameter"] in _PARAMETERS:
            number = match.groupdict().get("n") or ""
            return f"{target.replace('{n}', number)}.{_PARAMETERS[match['parameter']]}"
    return None

"""Names of tensors: the hub's, in all their spellings, and ours."""

import pytest
from encoder_reference import FAMILIES, build_reference, convert

from spacy_bert_plugin.checkpoints.names import FAMILIES as NAMED_FAMILIES
from spacy_bert_plugin.checkpoints.names import to_hub, to_ours

PREFIXES = {
    "bert": "bert.",
    "roberta": "roberta.",
    "xlm-roberta": "roberta.",
    "camembert": "roberta.",
    "electra": "electra.",
    "distilbert": "distilbert.",
}


def test_every_family_has_a_reference() -> None:
    assert set(NAMED_FAMILIES) == set(FAMILIES) == set(PREFIXES)


@pytest.mark.parametrize("family", FAMILIES)
def test_names_go_both_ways(family: str) -> None:
    reference = build_reference(family)
    hub = list(dict(reference.named_parameters()))
    ours = to_ours(family, hub)
    assert (ours.skipped, ours.unknown, ours.clashes) == ((), (), ())
    assert set(ours.ours.values()) == set(convert(reference).state_dict())
    assert to_hub(family, ours.ours.values()) == {v: k for k, v in ours.ours.items()}


@pytest.mark.parametrize("family", FAMILIES)
def test_prefixes_and_old_spellings_mean_the_same(family: str) -> None:
    hub = to_hub(family, convert(build_reference(family)).state_dict())
    for ours, name in hub.items():
        old = name
        if "layer_norm" in name or "LayerNorm" in name:
            old = name.replace("weight", "gamma").replace("bias", "beta")
        assert to_ours(family, [PREFIXES[family] + old]).ours == {PREFIXES[family] + old: ours}


@pytest.mark.parametrize(
    "name",
    [
        "embeddings.position_ids",
        "bert.embeddings.position_ids",
        "cls.predictions.bias",
        "cls.seq_relationship.weight",
        "classifier.weight",
        "lm_head.dense.weight",
        "qa_outputs.bias",
    ],
)
def test_heads_and_buffers_are_skipped(name: str) -> None:
    names = to_ours("bert", [name])
    assert names.skipped == (name,)
    assert not names.ours
    assert not names.unknown


@pytest.mark.parametrize(
    "name",
    [
        "",
        "encoder.layer.00.output.dense.weight",
        "encoder.layer.-1.output.dense.weight",
        "encoder.layer.٣.output.dense.weight",
        "encoder.layer.1.output.dense.weight_scale",
        "encoder.layer.1.output.dense",
        "xencoder.layer.1.output.dense.weight",
        "encoder.layer.1.output.dense.weight\n",
        "bert.bert.embeddings.LayerNorm.weight",
        "roberta.embeddings.LayerNorm.weight",
        "embeddings_project.weight",
        "layers.0.up.weight",
    ],
)
def test_other_names_are_unknown(name: str) -> None:
    assert to_ours("bert", [name]).unknown == (name,)


def test_second_tensor_for_a_place_is_a_clash() -> None:
    first, second = "embeddings.LayerNorm.weight", "bert.embeddings.LayerNorm.gamma"
    names = to_ours("bert", [first, second])
    assert names.ours == {first: "embeddings.norm.weight"}
    assert names.clashes == (second,)


def test_no_names() -> None:
    assert to_ours("bert", []).ours == to_hub("bert", []) == {}

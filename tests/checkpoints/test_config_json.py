"""config.json: allow-list, bounds, and the way back."""

import json
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_bert_plugin.checkpoints.config_json import (
    HubConfig,
    complete_sizes,
    make_config,
    parse_config,
)
from spacy_bert_plugin.checkpoints.families import ACTIVATIONS, FAMILIES
from spacy_bert_plugin.encoder import EncoderConfig
from spacy_bert_plugin.errors import CheckpointError, SettingError

DANGEROUS = {
    "auto_map": {"AutoModel": "evil--model.Model"},
    "trust_remote_code": True,
    "_attn_implementation": "evil/kernel",
    "_attn_implementation_internal": "evil/kernel",
    "attn_implementation": "evil/kernel",
    "experts_implementation": "evil/kernel",
    "kernel_config": {"kernel_mapping": {"RMSNorm": "evil/kernel"}},
    "use_kernels": True,
    "_name_or_path": "evil/model",
    "quantization_config": {"quant_method": "evil"},
    "backbone": "evil/model",
    "dtype": "float16",
    "torch_dtype": "float16",
}
SIZE_KEYS = [
    (family, key)
    for family, table in FAMILIES.items()
    for field, key in table.keys.items()
    if field in ("vocab_size", "width", "n_layers", "n_heads", "hidden_width", "n_positions")
]


def parse(data: dict[str, Any]) -> HubConfig:
    return parse_config(json.dumps(data), source="folder/config.json")


@pytest.mark.parametrize("family", FAMILIES)
def test_missing_keys_are_those_of_the_reference(family: str) -> None:
    from transformers import CONFIG_MAPPING

    reference = CONFIG_MAPPING[family]().to_dict()
    assert {k: reference[k] for k in FAMILIES[family].defaults} == FAMILIES[family].defaults
    config = parse({"model_type": family})
    assert config.family == family
    for field, key in FAMILIES[family].keys.items():
        if field != "activation":
            assert getattr(config.encoder, field) == reference[key]


@pytest.mark.parametrize("family", FAMILIES)
def test_values_that_are_not_the_default(family: str) -> None:
    table = FAMILIES[family]
    values = {
        key: {"activation": "relu", "width": 24, "n_heads": 3}.get(field, default)
        for field, key in table.keys.items()
        for default in [_change(table.defaults[key])]
    }
    config = parse({"model_type": family, "pad_token_id": 5, **values})
    assert config.encoder is not None
    for field, key in table.keys.items():
        assert getattr(config.encoder, field) == values[key], field
    assert config.encoder.position_offset == (6 if table.use_position_offset else 0)
    assert config.encoder.use_pooler is table.fixed.get("use_pooler", True)


def _change(default: object) -> object:
    if isinstance(default, int):
        return default + 3
    return default / 2 if isinstance(default, float) else default


@pytest.mark.parametrize(("family", "key"), SIZE_KEYS)
@pytest.mark.parametrize("value", [0, -1, 10**15, 1.5, "768", True, [768], {"a": 1}])
def test_wrong_sizes_name_key_and_file(family: str, key: str, value: object) -> None:
    with pytest.raises(CheckpointError, match=f"config.json.*'{key}'"):
        parse({"model_type": family, key: value})


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_sizes_that_are_no_numbers(value: str) -> None:
    with pytest.raises(CheckpointError, match=r"config\.json"):
        parse_config(f'{{"model_type": "bert", "hidden_size": {value}}}', source="config.json")


@given(
    st.dictionaries(
        st.sampled_from([*FAMILIES["bert"].defaults, "position_embedding_type", "is_decoder"]),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=5)
        | st.sampled_from(list(ACTIVATIONS))
        | st.lists(st.integers(), max_size=2),
    ),
    st.sampled_from([*FAMILIES, "modernbert"]),
)
def test_any_value_is_an_error_or_sizes_within_bounds(data: dict[str, Any], family: str) -> None:
    try:
        config = parse({"model_type": family, **data})
    except CheckpointError:
        with pytest.raises(CheckpointError, match=r"config\.json"):
            parse({"model_type": family, **data})
    else:
        assert config.encoder is None or config.encoder.n_parameters <= 20_000_000_000


def test_many_parameters_are_refused_before_anything_is_allocated() -> None:
    with pytest.raises(CheckpointError, match="parameters"):
        parse({"model_type": "bert", "hidden_size": 49152, "num_hidden_layers": 1000})


def test_null_stands_for_not_set() -> None:
    assert parse({"model_type": "bert", "hidden_size": None}) == parse({"model_type": "bert"})


@pytest.mark.parametrize("family", [*FAMILIES, "modernbert"])
def test_dangerous_keys_are_not_carried_over(family: str) -> None:
    config = parse({"model_type": family, **DANGEROUS, "sub": {"a": 1, **DANGEROUS}})
    assert not DANGEROUS.keys() & config.raw.keys()
    assert "evil" not in config.text
    assert ("sub" in config.raw) == (family == "modernbert")


def test_other_architectures_keep_their_config() -> None:
    data = {"model_type": "modernbert", "vocab_size": 9, "layer_types": ["full", "sliding"]}
    nested = {"rope_parameters": {"full": {"rope_theta": 160000.0}}, "pad_token_id": None}
    assert parse({**data, **nested}) == HubConfig("auto", {**data, **nested}, None)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("vocab_size", -1),
        ("hidden_size", 10**9),
        ("hidden_size", "64"),
        ("num_hidden_layers", 10**6),
        ("global_attn_every_n_layers", 10**6),
        ("num_buckets", 10**6),
        ("anything", 10**8),
        ("anything", "x" * 2000),
        ("anything", [0] * 20_000),
        ("nested", {"vocab_size": "a"}),
    ],
)
def test_other_architectures_have_bounds(key: str, value: object) -> None:
    with pytest.raises(CheckpointError, match=r"folder/config\.json"):
        parse({"model_type": "deberta-v2", key: value})


def test_deep_nesting_is_refused() -> None:
    value: dict[str, Any] = {}
    for _ in range(20):
        value = {"a": value}
    with pytest.raises(CheckpointError, match="deep"):
        parse({"model_type": "deberta-v2", "a": value})


@pytest.mark.parametrize(
    "extra", [{"hidden_act": "mish"}, {"position_embedding_type": "relative_key"}]
)
def test_variants_that_we_do_not_compute_go_to_transformers(extra: dict[str, Any]) -> None:
    assert parse({"model_type": "bert", **extra}).family == "auto"


@pytest.mark.parametrize("name", [None, 3, "", "a/b", "../x", "x" * 100, ["bert"]])
def test_model_type_has_to_be_a_name(name: object) -> None:
    with pytest.raises(CheckpointError, match="'model_type'"):
        parse({"model_type": name})


@pytest.mark.parametrize("key", ["is_decoder", "add_cross_attention"])
def test_decoders_are_refused(key: str) -> None:
    with pytest.raises(CheckpointError, match=key):
        parse({"model_type": "bert", key: True})


def test_pad_beyond_the_vocabulary() -> None:
    with pytest.raises(CheckpointError, match="pad_token_id"):
        parse({"model_type": "roberta", "pad_token_id": 50265})
    assert parse({"model_type": "bert", "eos_token_id": -1}).raw.get("eos_token_id") is None


@pytest.mark.parametrize("family", FAMILIES)
@given(
    n_heads=st.integers(1, 4),
    size=st.integers(1, 9),
    activation=st.sampled_from(["gelu", "gelu_tanh", "relu", "silu"]),
    rate=st.floats(0, 0.9),
    pad_id=st.integers(0, 3),
)
def test_config_reads_back(
    family: str, n_heads: int, size: int, activation: str, rate: float, pad_id: int
) -> None:
    table = FAMILIES[family]
    chosen = {
        "width": n_heads * size,
        "n_heads": n_heads,
        "n_layers": size,
        "activation": activation,
        "dropout": rate,
        "attention_dropout": rate / 2,
        "position_offset": pad_id + 1 if table.use_position_offset else 0,
    }
    if family == "electra":
        chosen["embedding_width"] = size
    sizes = complete_sizes(chosen, family=family, vocab_size=50)
    config = make_config(sizes, family=family, pad_id=pad_id)
    again = parse_config(config.text, source="config.json")
    assert again.encoder == sizes
    assert again == config


@pytest.mark.parametrize(
    ("family", "change"),
    [
        ("bert", {"position_offset": 2}),
        ("bert", {"embedding_width": 4}),
        ("bert", {"n_segments": 0}),
        ("roberta", {"position_offset": 0}),
        ("electra", {"use_pooler": True}),
        ("distilbert", {"n_segments": 2}),
        ("distilbert", {"layer_norm_eps": 1e-5}),
        ("distilbert", {"use_pooler": True}),
    ],
)
def test_families_cannot_say_everything(family: str, change: dict[str, Any]) -> None:
    sizes = complete_sizes({"width": 8, "n_heads": 2}, family=family, vocab_size=50)
    pad_id = int(FAMILIES[family].use_position_offset)
    make_config(sizes, family=family, pad_id=pad_id)
    with pytest.raises(SettingError, match=next(iter(change))):
        make_config(replace(sizes, **change), family=family, pad_id=pad_id)


def test_sizes_are_completed() -> None:
    sizes = complete_sizes({"width": 12, "n_heads": 2}, family="bert", vocab_size=99)
    assert (sizes.vocab_size, sizes.hidden_width, sizes.embedding_width) == (99, 48, 12)
    assert sizes.n_layers == 12
    assert complete_sizes(sizes, family="bert", vocab_size=1) is sizes
    assert complete_sizes({}, family="bert", vocab_size=30522).width == 768
    roberta = complete_sizes({}, family="roberta", vocab_size=9)
    assert (roberta.n_positions, roberta.max_pieces) == (514, 512)


@pytest.mark.parametrize("sizes", [{"hidden_size": 8}, {"width": "8"}, {"width": 9, "n_heads": 2}])
def test_sizes_of_a_user_are_checked(sizes: dict[str, Any]) -> None:
    with pytest.raises(SettingError):
        complete_sizes(sizes, family="bert", vocab_size=9)


def test_unknown_family() -> None:
    sizes = complete_sizes({}, family="bert", vocab_size=9)
    with pytest.raises(SettingError, match="family"):
        make_config(sizes, family="gpt2", pad_id=0)


def test_every_field_has_a_place_in_some_family() -> None:
    placed = {f for table in FAMILIES.values() for f in [*table.keys, *table.fixed]}
    assert placed == {field.name for field in fields(EncoderConfig)}

"""Architectures of transformers that run padded, behind the packed interface."""

import threading
from typing import Any

import pytest
import torch
from encoder_reference import SIZES, make_windows, measure_difference
from torch import nn
from transformers import CONFIG_MAPPING, AutoModel

from spacy_bert_plugin.encoder import freeze_layers, group_by_depth, pack
from spacy_bert_plugin.encoder.adapter import AutoModelAdapter
from spacy_bert_plugin.errors import SettingError

DEBERTA = {
    **SIZES,
    "type_vocab_size": 0,
    "relative_attention": True,
    "pos_att_type": ["p2c", "c2p"],
    "position_biased_input": False,
    "pad_token_id": 0,
}
DEBERTA_V3 = {
    **DEBERTA,
    "share_att_key": True,
    "norm_rel_ebd": "layer_norm",
    "position_buckets": 8,
}
MODERNBERT = {
    **{name: value for name, value in SIZES.items() if name != "type_vocab_size"},
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "cls_token_id": 1,
    "sep_token_id": 2,
    "local_attention": 8,
    "global_attn_every_n_layers": 2,
}
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "modernbert": ("modernbert", MODERNBERT),
    "deberta": ("deberta-v2", DEBERTA),
    "deberta-v3": ("deberta-v2", DEBERTA_V3),
    "bert": ("bert", SIZES),
    "mpnet": ("mpnet", {**SIZES, "pad_token_id": 1}),
    "albert": ("albert", {**SIZES, "embedding_size": 16}),
}
LENGTHS = (5, 1, 31, 12, 12, 50, 5, 60)
NAMES = list(MODELS)
# transformers 4 compiles DeBERTa and ModernBERT in a way that newer releases of torch warn of.
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")


def build(name: str) -> nn.Module:
    torch.manual_seed(5)
    family, settings = MODELS[name]
    model = AutoModel.from_config(CONFIG_MAPPING[family](**settings))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model.eval()


@pytest.mark.parametrize("name", NAMES)
def test_packed_equals_each_window_alone(name: str) -> None:
    reference, adapter = build(name), AutoModelAdapter(build(name))
    windows = make_windows(LENGTHS)
    with torch.inference_mode():
        output = adapter(pack(windows), use_all_layers=True)
        alone = [
            reference(torch.tensor([w]), torch.ones(1, len(w)), output_hidden_states=True)
            for w in windows
        ]
        last = torch.cat([one.last_hidden_state[0] for one in alone])
        assert measure_difference(output.last, last) <= 1e-5
        assert len(output.layers) == adapter.config.n_layers + 1
        for depth, layer in enumerate(output.layers):
            expected = torch.cat([one.hidden_states[depth][0] for one in alone])
            assert measure_difference(layer, expected) <= 1e-5
        assert adapter(pack(windows)).layers is None


@pytest.mark.parametrize("name", NAMES)
def test_sizes_are_read(name: str) -> None:
    config = AutoModelAdapter(build(name)).config
    assert (config.vocab_size, config.width, config.n_layers) == (67, 24, 3)
    assert config.n_segments == MODELS[name][1].get("type_vocab_size", 0)
    assert config.max_pieces == (68 if name == "mpnet" else 70)
    assert config.use_pooler == (name in ("bert", "mpnet", "albert"))


@pytest.mark.parametrize("name", NAMES)
def test_pooler_is_the_models_own(name: str) -> None:
    adapter = AutoModelAdapter(build(name))
    (window,) = make_windows([9])
    if not adapter.config.use_pooler:
        with pytest.raises(SettingError, match="no pooler"):
            adapter.pool(torch.zeros(1, 24))
        return
    with torch.inference_mode():
        expected = build(name)(torch.tensor([window])).pooler_output
        found = adapter.pool(adapter(pack([window])).last[:1])
    assert measure_difference(found, expected) <= 1e-5


def test_segments_are_passed_on() -> None:
    adapter = AutoModelAdapter(build("bert"))
    packed = pack(make_windows([9, 4]))
    plain = adapter(packed).last
    packed.segments[4:9] = 1
    assert measure_difference(adapter(packed).last[:9], plain[:9]) > 1e-3
    assert measure_difference(adapter(packed).last[9:], plain[9:]) <= 1e-6


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rates", [{"dropout": 0.4}, {"dropout": 0.2, "attention_dropout": 0.4}])
def test_dropout_acts_in_its_call_only(name: str, rates: dict[str, float]) -> None:
    adapter = AutoModelAdapter(build(name))
    packed = pack(make_windows(LENGTHS))
    plain = adapter(packed).last
    torch.manual_seed(0)
    first = adapter(packed, **rates).last
    torch.manual_seed(0)
    assert torch.equal(adapter(packed, **rates).last, first)
    assert measure_difference(first, plain) > 1e-3
    assert torch.equal(adapter(packed).last, plain)
    first.sum().backward()
    assert not any(module.training for module in adapter.modules())


@pytest.mark.parametrize("name", ["bert", "deberta-v3"])
def test_attention_dropout_has_a_rate_of_its_own(name: str) -> None:
    adapter = AutoModelAdapter(build(name))
    packed = pack(make_windows(LENGTHS))
    rate = {"dropout": 0.0, "attention_dropout": 0.5}
    difference = measure_difference(adapter(packed, **rate).last, adapter(packed).last)
    assert (difference > 1e-3) == (name == "deberta-v3")  # the other drops without a module


def test_prediction_in_another_thread_has_no_dropout() -> None:
    adapter = AutoModelAdapter(build("deberta-v3"))
    packed = pack(make_windows([4, 9]))
    with torch.inference_mode():
        expected = adapter(packed).last
    is_done = threading.Event()

    def train() -> None:
        while not is_done.is_set():
            adapter(packed, dropout=0.5, attention_dropout=0.5).last.sum().backward()

    thread = threading.Thread(target=train)
    thread.start()
    try:
        with torch.inference_mode():
            found = [adapter(packed).last for _ in range(10)]
    finally:
        is_done.set()
        thread.join()
    assert all(torch.equal(one, expected) for one in found)


@pytest.mark.parametrize("windows", [[], [[]]])
def test_no_pieces_give_no_vectors(windows: list[list[int]]) -> None:
    adapter = AutoModelAdapter(build("modernbert"))
    output = adapter(pack(windows), use_all_layers=True)
    assert output.last.shape == (0, 24)
    assert [layer.shape for layer in output.layers] == [(0, 24)] * 4


def test_empty_window_between_others() -> None:
    adapter = AutoModelAdapter(build("deberta"))
    a, b = make_windows([4, 7])
    assert torch.equal(adapter(pack([a, [], b])).last, adapter(pack([a, b])).last)


@pytest.mark.parametrize("name", NAMES)
def test_half_precision_is_close(name: str) -> None:
    adapter = AutoModelAdapter(build(name))
    packed = pack(make_windows(LENGTHS))
    with torch.inference_mode():
        exact, rounded = adapter(packed).last, adapter(packed, dtype=torch.bfloat16).last
    assert rounded.dtype == torch.float32
    assert torch.cosine_similarity(exact, rounded, dim=-1).min() > 0.99


@pytest.mark.parametrize("name", ["modernbert", "deberta-v3"])
def test_depth_is_found(name: str) -> None:
    adapter = AutoModelAdapter(build(name))
    groups = group_by_depth(adapter)
    assert [len(group) > 0 for group in groups] == [True] * 4
    assert all("embeddings" in parameter for parameter, _ in groups[0])
    freeze_layers(adapter, 1)
    frozen = [not p.requires_grad for group in groups for _, p in group]
    n_frozen = len(groups[0]) + len(groups[1])
    assert frozen == [True] * n_frozen + [False] * (len(frozen) - n_frozen)


def test_state_names_only_the_model() -> None:
    model = build("modernbert")
    names = {f"model.{name}" for name in model.state_dict()}
    adapter = AutoModelAdapter(model)
    assert set(adapter.state_dict()) == names
    assert adapter.device == torch.device("cpu")


def test_window_that_is_too_long_is_refused() -> None:
    with pytest.raises(SettingError, match="at most 68 pieces"):
        AutoModelAdapter(build("mpnet"))(pack([[5] * 69]))


def test_model_without_sizes_is_refused() -> None:
    model = nn.Linear(2, 2)
    model.config = SIZES  # type: ignore[assignment]
    with pytest.raises(SettingError, match="'vocab_size', but Linear has none"):
        AutoModelAdapter(model)

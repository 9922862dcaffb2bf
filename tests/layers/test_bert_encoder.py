"""The architecture: weights, settings, outputs, gradients, bytes, device memory."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.tokens import Doc

from spacy_bert_plugin.batching import supports_bf16
from spacy_bert_plugin.errors import BertPluginError, ListenerError, SettingError
from spacy_bert_plugin.layers import build_bert_encoder_v1, build_bert_pooled_listener_v1, get_shim

NLP = spacy.blank("en")
LONG = "the house in paris is good and the weather tomorrow is bad " * 12
TEXTS = ["the house in paris", "", "rain tomorrow", " ", LONG]


def make_docs(texts: list[str] = TEXTS) -> list[Doc]:
    return list(NLP.pipe(texts))


def make_model(path: Path | None, **settings: Any) -> Any:
    return build_bert_encoder_v1(None if path is None else str(path), overlap=8, **settings)


def test_weights_come_with_initialize(tiny_checkpoint: Path) -> None:
    model = make_model(tiny_checkpoint)
    assert model.maybe_get_dim("nO") is None
    with pytest.raises(ListenerError, match="no weights yet"):
        model.predict(make_docs())
    assert model.initialize().get_dim("nO") == 32


def test_initializing_again_keeps_the_weights(tiny_checkpoint: Path) -> None:
    model = make_model(tiny_checkpoint).initialize()
    encoder = get_shim(model).encoder
    assert get_shim(model.initialize()).encoder is encoder


def test_random_weights_from_sizes(tiny_checkpoint: Path) -> None:
    sizes = {"width": 24, "n_layers": 1, "n_heads": 2, "hidden_width": 48, "n_positions": 40}
    model = make_model(None, sizes=sizes, tokenizer=str(tiny_checkpoint)).initialize()
    assert [v.shape for v in model.predict(make_docs())] == [(len(d), 24) for d in make_docs()]


def test_neither_name_nor_sizes_is_an_error() -> None:
    with pytest.raises(SettingError, match="sizes"):
        make_model(None)


@pytest.mark.parametrize(
    ("output", "n_rows"), [("tokens", None), ("cls", 1), ("pooler", 1), ("mean", 1)]
)
def test_outputs(tiny_checkpoint: Path, output: str, n_rows: int | None) -> None:
    model = make_model(tiny_checkpoint, output=output).initialize()
    docs = make_docs()
    vectors = model.predict(docs)
    assert [v.shape for v in vectors] == [(len(d) if n_rows is None else 1, 32) for d in docs]
    assert all(np.isfinite(v).all() for v in vectors)
    assert not vectors[1].any()


def test_pooled_outputs_are_what_they_say(tiny_checkpoint: Path) -> None:
    tokens = make_model(tiny_checkpoint).initialize()
    mean = make_model(tiny_checkpoint, output="mean").initialize()
    for one, other in zip(tokens.predict(make_docs()), mean.predict(make_docs()), strict=True):
        expected = one.mean(axis=0) if len(one) else np.zeros(32)
        np.testing.assert_allclose(other[0], expected, atol=1e-5)


def test_cls_and_pooler_equal_the_reference(tiny_checkpoint: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    reference = AutoModel.from_pretrained(tiny_checkpoint)
    inputs = AutoTokenizer.from_pretrained(tiny_checkpoint)(TEXTS[0], return_tensors="pt")
    with torch.inference_mode():
        expected = reference(**inputs)
    for output, other in (
        ("cls", expected.last_hidden_state[0, 0]),
        ("pooler", expected.pooler_output[0]),
    ):
        (got,) = (
            make_model(tiny_checkpoint, output=output).initialize().predict(make_docs(TEXTS[:1]))
        )
        np.testing.assert_allclose(got[0], other.numpy(), atol=1e-5)


@pytest.mark.parametrize("batch_pieces", [1, 16, 70, 10_000])
def test_budget_changes_no_vector(tiny_checkpoint: Path, batch_pieces: int) -> None:
    expected = make_model(tiny_checkpoint).initialize().predict(make_docs())
    got = make_model(tiny_checkpoint, batch_pieces=batch_pieces).initialize().predict(make_docs())
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_out_of_memory_halves_the_batch(tiny_checkpoint: Path, monkeypatch: Any) -> None:
    model = make_model(tiny_checkpoint).initialize()
    expected = model.predict(make_docs())
    encoder = get_shim(model).encoder
    original, sizes = type(encoder).forward, []

    def forward(self: Any, packed: Any, **kwargs: Any) -> Any:
        sizes.append(sum(length > 1 for length in packed.lengths))  # not what fills it up
        if sizes[-1] > 1:
            raise torch.OutOfMemoryError("no room")
        return original(self, packed, **kwargs)

    monkeypatch.setattr(type(encoder), "forward", forward)
    for one, other in zip(model.predict(make_docs()), expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert max(sizes) > 1


@pytest.mark.parametrize("output", ["tokens", "first", "cls", "pooler", "mean"])
@pytest.mark.parametrize("batch_pieces", [32, 4096])
def test_gradients_equal_finite_differences(
    tiny_checkpoint: Path, output: str, batch_pieces: int
) -> None:
    model = make_model(tiny_checkpoint, output=output, batch_pieces=batch_pieces).initialize()
    docs = make_docs([*TEXTS[:3], "house in paris " * 20])
    vectors, backprop = model.begin_update(docs)
    random = np.random.default_rng(0)
    direction = [random.normal(size=v.shape).astype("float32") for v in vectors]
    backprop(direction)
    encoder: Any = get_shim(model).encoder
    weight = encoder.layers[0].attention.value.weight
    step = torch.randn(weight.shape, generator=torch.Generator().manual_seed(0))
    expected = float((weight.grad * step).sum())

    def compute(scale: float) -> float:
        with torch.no_grad():
            weight.add_(step, alpha=scale)
        found = model.predict(docs)
        with torch.no_grad():
            weight.sub_(step, alpha=scale)
        return sum(
            float((v.astype("float64") * d).sum()) for v, d in zip(found, direction, strict=True)
        )

    measured = (compute(1e-3) - compute(-1e-3)) / 2e-3
    assert measured == pytest.approx(expected, rel=2e-2)


def test_dropout_is_on_in_training_only(tiny_checkpoint: Path) -> None:
    model = make_model(tiny_checkpoint).initialize()
    model.attrs["dropout_rate"] = 0.5
    docs = make_docs()
    one, other = model.predict(docs), model.predict(docs)
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    dropped, _ = model.begin_update(docs)
    assert not np.allclose(dropped[0], one[0])


def test_frozen_encoder_trains_without_dropout(tiny_checkpoint: Path) -> None:
    model = make_model(tiny_checkpoint, freeze_layers=-1).initialize()
    model.attrs["dropout_rate"] = 0.5
    vectors, backprop = model.begin_update(make_docs())
    np.testing.assert_array_equal(vectors[0], model.predict(make_docs())[0])
    assert backprop([np.ones_like(v) for v in vectors]) == []


@pytest.mark.skipif(not supports_bf16(torch.device("cpu")), reason="no bfloat16 in hardware")
def test_bf16_predicts_and_trains_nearly_the_same(tiny_checkpoint: Path) -> None:
    exact = make_model(tiny_checkpoint).initialize().predict(make_docs())
    model = make_model(tiny_checkpoint, precision="bf16").initialize()
    for one, other in zip(model.predict(make_docs()), exact, strict=True):
        assert one.dtype == np.float32
        np.testing.assert_allclose(one, other, atol=0.15)
    vectors, backprop = model.begin_update(make_docs())
    backprop([np.ones_like(v) for v in vectors])
    grads = [p.grad for p in get_shim(model).encoder.parameters() if p.grad is not None]
    assert grads
    assert all(g.dtype == torch.float32 and torch.isfinite(g).all() for g in grads)


def test_bytes_and_copies_give_the_same(tiny_checkpoint: Path) -> None:
    model = make_model(tiny_checkpoint).initialize()
    expected = model.predict(make_docs())
    loaded = make_model(tiny_checkpoint).from_bytes(model.to_bytes())
    for other in (loaded, model.copy(), copy.deepcopy(model)):
        for one, two in zip(other.predict(make_docs()), expected, strict=True):
            np.testing.assert_array_equal(one, two)
    assert make_model(tiny_checkpoint).from_bytes(make_model(tiny_checkpoint).to_bytes()).shims


SETTINGS: list[dict[str, Any]] = [
    {"output": "words"}, {"batch_pieces": 0}, {"batch_pieces": 1.5}, {"freeze_layers": -2},
    {"layer_decay": 0.0}, {"layer_decay": 1.5}, {"max_pieces": 0}, {"precision": "fp8"},
    {"max_pieces": 1000}, {"max_pieces": 10}, {"freeze_layers": 9}, {"piece_dropout": 1.0},
    {"unfreeze_every": -1},
]  # fmt: skip


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_impossible_settings_are_errors(tiny_checkpoint: Path, settings: dict[str, Any]) -> None:
    with pytest.raises(BertPluginError, match=next(iter(settings))):
        make_model(tiny_checkpoint, **settings).initialize().predict(make_docs())


def test_unknown_pooling_is_an_error() -> None:
    with pytest.raises(BertPluginError, match="pooling"):
        build_bert_pooled_listener_v1("median")


def test_missing_checkpoint_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BertPluginError, match="nowhere"):
        make_model(tmp_path / "nowhere").initialize()


def test_piece_dropout_hides_pieces_in_training_only(tiny_checkpoint: Path) -> None:
    plain = make_model(tiny_checkpoint).initialize()
    hiding = make_model(tiny_checkpoint, piece_dropout=0.5).initialize()
    docs = make_docs([LONG])
    expected = plain.predict(docs)[0]
    np.testing.assert_array_equal(hiding.predict(docs)[0], expected)
    torch.manual_seed(0)
    hidden = hiding.begin_update(docs)[0][0]
    assert np.abs(hidden - expected).max() > 1e-3
    torch.manual_seed(0)
    np.testing.assert_array_equal(hiding.begin_update(docs)[0][0], hidden)
    almost_all = make_model(tiny_checkpoint, piece_dropout=0.999).initialize()
    same = almost_all.begin_update(make_docs(["house"] * 2 + ["weather"]))[0]
    np.testing.assert_allclose(same[0], same[2], atol=1e-5)  # both are the mask piece


@pytest.mark.parametrize(
    ("max_pieces", "overlap"), [(512, 64), (260, 64), (64, 15), (8, 1), (4, 0)]
)
def test_windows_share_a_quarter_where_they_are_short(max_pieces: int, overlap: int) -> None:
    from spacy_bert_plugin.pieces import check_windows, choose_overlap

    assert choose_overlap(max_pieces, 2) == overlap
    check_windows(max_pieces, overlap, 2)

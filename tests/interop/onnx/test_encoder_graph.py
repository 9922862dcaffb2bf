"""The graph of an encoder computes what the encoder computes, for every shape of encoder."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from spacy_bert_plugin.encoder import BertEncoder, EncoderConfig, pack
from spacy_bert_plugin.errors import SettingError
from spacy_bert_plugin.interop.onnx import build
from spacy_bert_plugin.interop.onnx.encoder_graph import add_encoder
from spacy_bert_plugin.interop.onnx.feeding import Port
from spacy_bert_plugin.interop.onnx.graph import GraphBuilder
from spacy_bert_plugin.interop.onnx.inputs import pad_runs
from spacy_bert_plugin.interop.onnx.quantize import quantize_model
from spacy_bert_plugin.interop.onnx.reader import open_session

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

CONFIG = EncoderConfig(
    vocab_size=50, width=16, n_layers=2, n_heads=4, hidden_width=24, n_positions=20, n_segments=2,
    embedding_width=16, initializer_range=0.3,
)  # fmt: skip
WINDOWS = [[2, 5, 6, 7, 3], [2, 3], [2, *range(10, 24), 3], [2, 9, 3]]


def make_model(encoder: BertEncoder) -> Any:
    graph = GraphBuilder()
    with graph.scope("encoder"):
        vectors = add_encoder(graph, encoder, ids="ids", mask="mask")
    graph.node("Identity", vectors, name="vectors")
    axes: list[str | int] = ["n_windows", "length"]
    ports = [Port(name, "int64", axes, "") for name in ("ids", "mask")]
    output = Port("vectors", "float32", [*axes, encoder.config.width], "")
    return graph.finish(ports, [output])


def run(model: Any, windows: list[list[int]]) -> list[np.ndarray]:
    onnx.checker.check_model(model, full_check=True)
    longest = max(map(len, windows))
    ids = np.array([[*window, *[0] * (longest - len(window))] for window in windows])
    mask = np.array([[1] * len(w) + [0] * (longest - len(w)) for w in windows])
    session = open_session(model.SerializeToString(), threads=1)
    (found,) = session.run(None, {"ids": ids, "mask": mask})
    return [rows[: len(window)] for rows, window in zip(found, windows, strict=True)]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"activation": "gelu_tanh"},
        {"activation": "relu", "n_segments": 0},
        {"activation": "silu", "layer_norm_eps": 0.1},
        {"position_offset": 2, "n_segments": 1},
        {"embedding_width": 6},
        {"n_heads": 1, "n_layers": 1},
    ],
    ids=lambda changes: "-".join(changes) or "bert",
)
def test_same_as_the_encoder(changes: dict[str, Any]) -> None:
    torch.manual_seed(1)
    encoder = BertEncoder(replace(CONFIG, **changes))
    for param in encoder.parameters():  # biases and norms too
        torch.nn.init.normal_(param, std=0.3)
    with torch.inference_mode():
        expected = torch.split(encoder(pack(WINDOWS)).last, [len(w) for w in WINDOWS])
    for got, rows in zip(run(make_model(encoder), WINDOWS), expected, strict=True):
        np.testing.assert_allclose(got, rows.numpy(), atol=2e-5)


def test_maps_can_stay_out_of_int8() -> None:
    torch.manual_seed(0)
    encoder = BertEncoder(CONFIG)

    def count(*skip: str) -> int:
        model = quantize_model(make_model(encoder), skip=skip)
        return sum(node.op_type == "MatMulInteger" for node in model.graph.node)

    assert [count(), count("down"), count("qkv.1"), count("qkv", "output", "up", "down")] == [
        8, 6, 7, 0,
    ]  # fmt: skip


def test_more_than_a_file_holds(monkeypatch: pytest.MonkeyPatch, nlp: Any) -> None:
    from spacy_bert_plugin.interop.onnx.source import find_source

    source = find_source(nlp, "bert_ner")
    build.build_model(source)
    monkeypatch.setattr(build, "MAX_BYTES", 1000)
    with pytest.raises(SettingError, match="at most 2 GB"):
        build.build_model(source)


def test_runs_become_rows() -> None:
    rows, weights = np.array([7, 8, 9]), np.array([0.5, 0.25, 1.0], np.float32)
    padded = pad_runs(rows, weights, np.array([2, 0, 1]))
    assert padded.rows.tolist() == [[7, 8], [0, 0], [9, 0]]
    assert padded.weights.tolist() == [[0.5, 0.25], [0.0, 0.0], [1.0, 0.0]]
    assert pad_runs(rows[:0], weights[:0], np.array([], np.int64)).rows.shape == (0, 1)

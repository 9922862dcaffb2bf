"""What is written, what is refused, and what a reader checks."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.language import Language

from spacy_bert_plugin.errors import CheckpointError, MissingDependencyError, SettingError
from spacy_bert_plugin.interop.onnx import OnnxModel, export_onnx, read_feeding
from spacy_bert_plugin.interop.onnx import compare as comparing
from spacy_bert_plugin.interop.onnx import export as exporting
from spacy_bert_plugin.interop.onnx.compare import measure_agreement

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

MakeT = Callable[..., Language]


@pytest.fixture
def folder(nlp: Language, tmp_path: Path) -> Path:
    """An exported tagger."""
    export_onnx(nlp, tmp_path / "out", component="bert_ner")
    return tmp_path / "out"


def test_folder_describes_itself(nlp: Language, folder: Path) -> None:
    assert sorted(p.name for p in folder.iterdir()) == [
        "feeding.json", "model.onnx", "tokenizer.json",
    ]  # fmt: skip
    assert [p.name for p in folder.parent.iterdir()] == ["out"]
    data = json.loads((folder / "feeding.json").read_text())
    assert [port["name"] for port in data["inputs"]] == [
        "ids", "mask", "token_rows", "token_weights", "features",
    ]  # fmt: skip
    assert data["inputs"][4]["shape"] == ["n_tokens", 9]
    assert data["outputs"][0]["shape"] == ["n_tokens", 9]
    assert data["head"]["labels"] == ["CITY", "ROOM"]
    assert data["head"]["tags"][:3] == ["O", "B-CITY", "I-CITY"]
    assert (data["pieces"]["max_pieces"], data["pieces"]["overlap"]) == (12, 2)
    assert data["pieces"]["prefix_ids"] == [2]
    assert data["agreement"]["max_difference"] <= 1e-4
    tokenizer = nlp.get_pipe("bert_transformer").model.shims[0].checkpoint.tokenizer
    assert (folder / "tokenizer.json").read_text() == tokenizer.json


def test_graph_and_description_agree(folder: Path) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(
        str(folder / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    feeding = read_feeding(folder)
    kinds = {"int64": "tensor(int64)", "float32": "tensor(float)"}
    for ports, found in (
        (feeding.inputs, session.get_inputs()),
        (feeding.outputs, session.get_outputs()),
    ):
        assert [(p.name, kinds[p.type], p.shape) for p in ports] == [
            (one.name, one.type, one.shape) for one in found
        ]


def test_padding_does_not_matter(nlp: Language, folder: Path) -> None:
    from spacy_bert_plugin.interop.onnx.inputs import make_feeds
    from spacy_bert_plugin.interop.onnx.reader import open_session

    model = OnnxModel(folder)
    feeds = make_feeds([nlp.make_doc("play music")], model.tokenizer, model.feeding)
    session = open_session(folder / "model.onnx", threads=1)
    (plain,) = session.run(None, feeds)
    ids = np.pad(feeds["ids"], ((0, 0), (0, 5)), constant_values=7)
    mask = np.pad(feeds["mask"], ((0, 0), (0, 5)))
    (padded,) = session.run(None, {**feeds, "ids": ids, "mask": mask})
    np.testing.assert_allclose(padded, plain, atol=1e-5)
    (unmasked,) = session.run(None, {**feeds, "ids": ids, "mask": np.ones_like(mask)})
    assert np.abs(unmasked - plain).max() > 1e-3


def test_saved_and_loaded_pipeline_matches(nlp: Language, folder: Path, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path / "saved")
    OnnxModel(folder).check_pipeline(spacy.load(tmp_path / "saved"))


def test_other_pipelines_do_not_match(nlp: Language, make_nlp: MakeT, folder: Path) -> None:
    model = OnnxModel(folder)
    other = make_nlp(ner={"tok2vec": {"@architectures": "spacy-bert-plugin.BertListener.v1",
                                      "pooling": "first"}}, overlap=1)  # fmt: skip
    with pytest.raises(CheckpointError, match="does not match") as caught:
        model.check_pipeline(other)
    message = str(caught.value)
    assert "overlap (exported 2, pipeline 1)" in message
    assert "pooling (exported tokens, pipeline first)" in message
    assert "weights" not in message
    nlp.get_pipe("bert_ner").add_label("SHIP")
    with pytest.raises(CheckpointError, match=r"head weights .*labels \(exported \['CITY'"):
        model.check_pipeline(nlp)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_changed_files_are_named(folder: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(CheckpointError, match=f"'{name}' has SHA-256"):
        OnnxModel(folder)


def test_missing_and_foreign_files(folder: Path) -> None:
    text = (folder / "feeding.json").read_text()
    for changed, match in (
        (text.replace('"format": 1', '"format": 2'), "format 2"),
        (text.replace('"identity"', '"identify"'), "lacks a part"),
        ("{", "JSON"),
    ):
        (folder / "feeding.json").write_text(changed)
        with pytest.raises(CheckpointError, match=match):
            OnnxModel(folder)
    (folder / "model.onnx").unlink()
    with pytest.raises(CheckpointError, match=r"model\.onnx not found"):
        OnnxModel(folder)


def test_nothing_else_is_replaced(nlp: Language, folder: Path, tmp_path: Path) -> None:
    export_onnx(nlp, folder)
    assert read_feeding(folder).kind == "encoder"
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(CheckpointError, match=r"notes\.txt"):
        export_onnx(nlp, folder)
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="a file"):
        export_onnx(nlp, tmp_path / "file")


def test_wrong_output_leaves_what_was_there(
    nlp: Language, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (folder / "feeding.json").read_bytes()
    monkeypatch.setitem(comparing.BOUNDS, "fp32", ("max_difference", "at most", 1e-12))
    with pytest.raises(CheckpointError, match="max difference is"):
        export_onnx(nlp, folder, component="bert_textcat")
    assert (folder / "feeding.json").read_bytes() == before
    assert [p.name for p in folder.parent.iterdir()] == ["out"]
    with pytest.raises(CheckpointError, match="expected is at most"):
        export_onnx(nlp, folder.parent / "new")
    assert not (folder.parent / "new").exists()


def test_a_wrong_graph_is_noticed(
    nlp: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = exporting.build_model

    def build_wrong(source: object) -> object:
        model, feeding = build(source)  # type: ignore[arg-type]
        wrong = next(w for w in model.graph.initializer if w.name.endswith("1.up.bias"))
        values = np.frombuffer(wrong.raw_data, np.float32) + 0.01
        wrong.raw_data = values.astype(np.float32).tobytes()
        return model, feeding

    monkeypatch.setattr(exporting, "build_model", build_wrong)
    with pytest.raises(CheckpointError, match="was not kept"):
        export_onnx(nlp, tmp_path / "out")


@pytest.mark.parametrize("component", ["textcat", "bert_spancat", ""])
def test_components_are_named(nlp: Language, tmp_path: Path, component: str) -> None:
    with pytest.raises(SettingError, match="bert_transformer, bert_ner, bert_textcat"):
        export_onnx(nlp, tmp_path / "out", component=component)
    assert list(tmp_path.glob("out*")) == []


def test_what_cannot_be_exported(nlp: Language, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="int8"):
        export_onnx(nlp, tmp_path / "out", precision="int4")
    with pytest.raises(SettingError, match="no components"):
        export_onnx(spacy.blank("en"), tmp_path / "out")
    blank = spacy.blank("en")
    blank.add_pipe("bert_transformer")
    with pytest.raises(SettingError, match="no weights yet"):
        export_onnx(blank, tmp_path / "out")
    other = spacy.blank("en")
    cnn = {
        "@architectures": "spacy.HashEmbedCNN.v2", "pretrained_vectors": None, "width": 16,
        "depth": 1, "embed_size": 100, "window_size": 1, "maxout_pieces": 2,
        "subword_features": True,
    }  # fmt: skip
    other.add_pipe("bert_ner", config={"model": {"tok2vec": cnn}})
    with pytest.raises(SettingError, match="vectors come from"):
        export_onnx(other, tmp_path / "out", component="bert_ner")


def test_foreign_encoders_are_refused(
    nlp: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = nlp.get_pipe("bert_transformer").model.shims[0].checkpoint
    monkeypatch.setattr(checkpoint, "encoder", object())
    with pytest.raises(SettingError, match=r"'bert' runs through transformers' AutoModel"):
        export_onnx(nlp, tmp_path / "out")


def test_missing_extra_is_named(
    nlp: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(MissingDependencyError, match=r"spacy-bert-plugin\[onnx\]"):
        export_onnx(nlp, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_agreement_of_rows() -> None:
    expected = np.array([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]], np.float32)
    found = measure_agreement(expected + np.array([[0, 0], [0, 1], [0, 0]], np.float32), expected)
    assert found == {
        "rows": 2, "max_difference": 1.0, "mean_cosine": 1.0, "min_cosine": 1.0, "same_best": 1.0,
    }  # fmt: skip
    with pytest.raises(SettingError, match="nothing would be compared"):
        measure_agreement(expected[2:], expected[2:])

"""Trained pipelines of spacy-transformers, imported."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import srsly
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import Config

from spacy_bert_plugin.errors import (
    CheckpointError,
    MissingDependencyError,
    SettingError,
)
from spacy_bert_plugin.interop.spacy_transformers import import_pipeline, is_pipeline
from spacy_bert_plugin.interop.spacy_transformers.disguise import disguise_listeners
from spacy_bert_plugin.interop.spacy_transformers.weights import read_encoder
from tests.interop.spacy_transformers.conftest import (
    OURS,
    SPANS,
    TEXTS,
    THEIRS,
    learn,
    list_answers,
    make_examples,
)

pytestmark = pytest.mark.compat
MakeNlp = Callable[..., Language]


@pytest.fixture
def trained(make_theirs: MakeNlp, tmp_path: Path) -> tuple[Language, Path]:
    """A trained pipeline of spacy-transformers, and its folder."""
    # Heads learn the texts by heart, since the encoder stands still under them.
    nlp = make_theirs(listener={**THEIRS, "grad_factor": 0.0})
    nlp.add_pipe("sentencizer", first=True)
    learn(nlp, 30, rate=0.02)
    nlp.to_disk(tmp_path / "theirs")
    return nlp, tmp_path / "theirs"


def check_same(expected: list[Any], got: list[Any]) -> None:
    for (ents, cats), (their_ents, their_cats) in zip(expected, got, strict=True):
        assert their_ents == ents
        assert their_cats == pytest.approx(cats, abs=1e-4)


def test_predictions_are_the_same(trained: tuple[Language, Path], tmp_path: Path) -> None:
    theirs, path = trained
    out = tmp_path / "ours"
    report = import_pipeline(str(path), out, texts=TEXTS)
    ours = spacy.load(out)
    assert ours.pipe_names == theirs.pipe_names
    assert type(ours.get_pipe("transformer")).__name__ == "BertTransformer"
    answers = list_answers(theirs, TEXTS)
    assert any(ents for ents, _ in answers)
    check_same(answers, list_answers(ours, TEXTS))
    assert "spacy-transformers" not in (out / "config.cfg").read_text()
    assert report.n_texts == len(TEXTS)
    compared = dict(report.comparison)
    assert compared["entities"].split()[0] == compared["entities"].split()[2] != "0"
    assert dict(report.components)["sentencizer"] == "as it was"
    assert "listens" in dict(report.components)["ner"]
    assert "128" in report.notes[0]


def test_weights_of_components_are_kept_byte_for_byte(
    trained: tuple[Language, Path], tmp_path: Path
) -> None:
    theirs, path = trained
    import_pipeline(path, tmp_path / "ours")
    ours = spacy.load(tmp_path / "ours")
    for name in ("textcat", "ner"):
        weights_of = [
            [
                (key, node.get_param(key).tobytes())
                for node in nlp.get_pipe(name).model.walk()
                for key in node.param_names
                if node.has_param(key)
            ]
            for nlp in (theirs, ours)
        ]
        assert weights_of[0] == weights_of[1] != []
    for name in ("cfg", "moves"):
        before, after = (p / "ner" / name for p in (path, tmp_path / "ours"))
        assert before.read_bytes() == after.read_bytes()
    words = [(nlp.vocab.strings["kitchen"], len(nlp.vocab.vectors)) for nlp in (theirs, ours)]
    assert words[0] == words[1]


def test_vectors_are_the_same(trained: tuple[Language, Path], tmp_path: Path) -> None:
    theirs, path = trained
    import_pipeline(path, tmp_path / "ours")
    ours = spacy.load(tmp_path / "ours", config={"components.transformer.keep": "all"})
    for text in (text for text in TEXTS if text):
        expected, got = theirs(text)._.trf_data, ours(text)._.trf_data
        np.testing.assert_allclose(got.tensors[0], expected.tensors[0], atol=1e-5)
        np.testing.assert_allclose(got.tensors[-1], expected.tensors[-1], atol=1e-5)


def test_trains_further(trained: tuple[Language, Path], tmp_path: Path) -> None:
    import_pipeline(trained[1], tmp_path / "ours")
    assert "grad_factor = 0.0" in (tmp_path / "ours" / "config.cfg").read_text()
    setting = {"components.ner.model.tok2vec.grad_factor": 1.0}
    nlp = spacy.load(tmp_path / "ours", config=setting)
    sgd = nlp.resume_training()
    examples = make_examples(nlp)
    before = nlp(TEXTS[0]).vector
    losses = [nlp.update(examples, sgd=sgd) for _ in range(2)]
    assert all(loss["transformer"] > 0 for loss in losses)
    assert not np.allclose(nlp(TEXTS[0]).vector, before, atol=1e-4)


@pytest.mark.parametrize("factory", ["tagger", "morphologizer", "parser", "spancat", "senter",
                                     "trainable_lemmatizer", "spancat_singlelabel"])  # fmt: skip
def test_other_components(make_theirs: MakeNlp, factory: str, tmp_path: Path) -> None:
    nlp = make_theirs()
    nlp.remove_pipe("textcat")
    nlp.remove_pipe("ner")
    model = {**Language.get_factory_meta(factory).default_config["model"], "tok2vec": THEIRS}
    nlp.add_pipe(factory, config={"model": model})
    words = ["play", "some", "music"]
    doc = Doc(nlp.vocab, words=words, tags=["V", "D", "N"], pos=["VERB", "DET", "NOUN"],
              heads=[0, 2, 0], deps=["ROOT", "det", "obj"], lemmas=["play", "some", "music"],
              morphs=["A=B", "", "C=D"])  # fmt: skip
    doc.spans["sc"] = [Span(doc, 1, 3, "X")]
    examples = [Example(nlp.make_doc(doc.text), doc)] * 30  # rare labels of parsers are dropped
    sgd = nlp.initialize(lambda: examples)
    sgd.learn_rate = 0.01
    for _ in range(3):
        nlp.update(examples, sgd=sgd)
    nlp.to_disk(tmp_path / "theirs")
    report = import_pipeline(tmp_path / "theirs", tmp_path / "ours", texts=TEXTS)
    for name, result in report.comparison:
        assert result.split()[0] == result.split()[2], (name, result)


def test_an_encoder_with_short_windows_reads_long_texts(
    trained: tuple[Language, Path], tmp_path: Path
) -> None:
    import_pipeline(trained[1], tmp_path / "ours")
    nlp = spacy.load(tmp_path / "ours")
    doc = nlp("play some music " * 100)
    assert len(doc) == 300
    assert np.isfinite(doc.vector).all()
    assert doc.vector.any()


def test_packages_are_found(trained: tuple[Language, Path], tmp_path: Path) -> None:
    package = tmp_path / "site" / "en_theirs"
    meta = trained[0].meta
    inner = package / f"{meta['lang']}_{meta['name']}-{meta['version']}"
    shutil.copytree(trained[1], inner)
    (package / "meta.json").write_text(json.dumps(meta))
    assert is_pipeline(package)
    import_pipeline(package, tmp_path / "ours")
    check_same(list_answers(trained[0], TEXTS), list_answers(spacy.load(tmp_path / "ours"), TEXTS))


@pytest.fixture
def legacy(make_ours: MakeNlp, tiny_checkpoint: Path, tmp_path: Path) -> tuple[Language, Path]:
    """A trained pipeline as early releases of spacy-transformers saved it: a checkpoint folder."""
    nlp, path = make_ours(OURS), tmp_path / "theirs"
    nlp.add_pipe("sentencizer", first=True)
    learn(nlp, 5)
    with disguise_listeners(nlp):
        nlp.to_disk(path)
    shutil.rmtree(path / "transformer")
    nlp.get_pipe("transformer").to_disk(path / "transformer" / "model")
    config = Config().from_disk(path / "config.cfg", interpolate=False)
    model = {"@architectures": "spacy-transformers.TransformerModel.v3", "name": "tiny",
             "get_spans": SPANS["strided"]}  # fmt: skip
    config["components"]["transformer"] = {"factory": "transformer", "model": model}
    for name in ("textcat", "ner"):
        config["components"][name]["model"]["tok2vec"] = THEIRS
    config.to_disk(path / "config.cfg")
    return nlp, path


def test_a_folder_of_safetensors_is_read_without_their_library(
    legacy: tuple[Language, Path], tmp_path: Path
) -> None:
    nlp, path = legacy
    report = import_pipeline(path, tmp_path / "ours")
    check_same(list_answers(nlp, TEXTS), list_answers(spacy.load(tmp_path / "ours"), TEXTS))
    assert report.comparison == []
    assert report.changes[0].section == "components.transformer"


def test_a_folder_of_pickles_is_refused(legacy: tuple[Language, Path], tmp_path: Path) -> None:
    model = legacy[1] / "transformer" / "model"
    (model / "model.safetensors").rename(model / "pytorch_model.bin")
    (model / "manifest.json").unlink()
    with pytest.raises(CheckpointError, match="safetensors"):
        import_pipeline(legacy[1], tmp_path / "ours")
    assert [p.name for p in tmp_path.iterdir()] == ["theirs"]


def test_comparing_needs_their_library(
    legacy: tuple[Language, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "spacy_transformers", None)
    with pytest.raises(MissingDependencyError, match="Comparing"):
        import_pipeline(legacy[1], tmp_path / "ours", texts=TEXTS)
    assert not (tmp_path / "ours").exists()


def edit_config(path: Path, old: str, new: str) -> None:
    text = (path / "config.cfg").read_text()
    assert old in text
    (path / "config.cfg").write_text(text.replace(old, new))


BAD_CONFIGS = [
    ("grad_factor = 1.0", 'upstream = "other"', "other"),
    ("reduce_mean.v1", "reduce_max.v1", "reduce_max"),
    ("spacy-transformers.TransformerModel.v3", "spacy-transformers.TransformerModel.v9", "v9"),
    ('factory = "sentencizer"', 'factory = "transformer"', "several"),
    ('factory = "sentencizer"', 'factory = "curated_transformer"', "curated"),
    ('factory = "ner"', 'factory = "nobody_has_this"', "nobody_has_this"),
    ("spacy-transformers.TransformerListener.v1", "spacy-transformers.Tok2VecTransformer.v3",
     "of its own"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message"), BAD_CONFIGS, ids=[b[2] for b in BAD_CONFIGS])
def test_bad_configs(
    legacy: tuple[Language, Path], tmp_path: Path, old: str, new: str, message: str
) -> None:
    edit_config(legacy[1], old, new)
    with pytest.raises((SettingError, CheckpointError), match=message):
        import_pipeline(legacy[1], tmp_path / "ours")
    assert [p.name for p in tmp_path.iterdir()] == ["theirs"]


def test_missing_and_damaged_weights(trained: tuple[Language, Path], tmp_path: Path) -> None:
    path = trained[1]
    model = path / "transformer" / "model"
    data = model.read_bytes()
    for content in (data[:1000], b"", srsly.msgpack_dumps({"shims": []})):
        model.write_bytes(content)
        with pytest.raises(CheckpointError, match="weights of 'transformer' are missing"):
            import_pipeline(path, tmp_path / "ours")
    model.unlink()
    with pytest.raises(CheckpointError, match=r"no such|an empty folder"):
        import_pipeline(path, tmp_path / "ours")
    model.write_bytes(data)
    (path / "ner" / "model").write_bytes((path / "textcat" / "model").read_bytes())
    with pytest.raises(CheckpointError, match="cannot be read"):
        import_pipeline(path, tmp_path / "ours")
    assert [p.name for p in tmp_path.iterdir()] == ["theirs"]


def test_output_that_exists(trained: tuple[Language, Path], tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("")
    import_pipeline(trained[1], tmp_path / "ours")
    for out in (tmp_path / "mine", tmp_path / "ours", trained[1]):
        with pytest.raises(CheckpointError, match="Nothing was written"):
            import_pipeline(trained[1], out)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_what_is_no_pipeline(tmp_path: Path) -> None:
    assert not is_pipeline(tmp_path)
    for source in (tmp_path, tmp_path / "nothing", "no-such-package"):
        with pytest.raises(SettingError, match="is no pipeline"):
            import_pipeline(source, tmp_path / "ours")


def test_a_pipeline_without_a_transformer(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path / "theirs")
    assert is_pipeline(tmp_path / "theirs")
    with pytest.raises(SettingError, match="nothing to convert"):
        import_pipeline(tmp_path / "theirs", tmp_path / "ours")


def test_weights_that_only_their_library_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "spacy_transformers", None)
    monkeypatch.setitem(sys.modules, "spacy_transformers.data_classes", None)
    folder = tmp_path / "transformer"
    folder.mkdir()
    (folder / "model").write_bytes(srsly.msgpack_dumps({"shims": [[], [b"a pickle"]]}))
    with pytest.raises(MissingDependencyError, match=r"spacy-bert-plugin\[spacy-transformers"):
        read_encoder(tmp_path, "transformer")

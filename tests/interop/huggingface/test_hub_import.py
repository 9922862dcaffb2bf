"""What becomes of labels, schemes and settings; what is refused, and leaves nothing behind."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import spacy
from hub_models import BIO, CATEGORIES, TEXTS, MakeHub, edit_config
from safetensors.torch import load_file, save_file
from spacy.training import Example

from spacy_bert_plugin.errors import BertPluginError, CheckpointError, SettingError
from spacy_bert_plugin.interop.huggingface import import_checkpoint

SCHEMES = {
    "bio": BIO,
    "iob1": ["O", "I-PER", "I-LOC", "B-LOC"],
    "biluo": ["O", "B-PER", "I-PER", "E-PER", "S-PER"],
    "io": ["PER", "O", "LOC"],
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_entities_of_every_scheme(scheme: str, make_hub: MakeHub, tmp_path: Path) -> None:
    source = make_hub(labels=SCHEMES[scheme])
    report = import_checkpoint(source, tmp_path / "out", texts=TEXTS)
    assert report.settings["scheme"] == scheme
    assert set(report.labels) <= {"PER", "LOC"}
    assert report.difference is not None
    assert report.difference.largest < 1e-4
    nlp = spacy.load(tmp_path / "out")
    doc = nlp(" ".join(TEXTS))
    assert doc.ents
    assert all(0.0 < ent._.confidence <= 1.0 for ent in doc.ents)
    again = spacy.blank("en").from_config(nlp.config).from_bytes(nlp.to_bytes())(doc.text)
    assert [(e.start, e.end, e.label_) for e in again.ents] == [
        (e.start, e.end, e.label_) for e in doc.ents
    ]
    if scheme == "io":
        assert any("one entity" in note for note in report.notes)
        assert not any(
            a.end == b.start and a.label == b.label
            for a, b in zip(doc.ents, doc.ents[1:], strict=False)
        )


def test_imported_tagger_is_trained_further(make_hub: MakeHub, tmp_path: Path) -> None:
    import_checkpoint(make_hub(), tmp_path / "out")
    nlp = spacy.load(tmp_path / "out")
    doc = nlp.make_doc("hello new york")
    entities = {"entities": [(6, 14, "LOC")]}
    examples = [Example.from_dict(doc, entities)]
    sgd = nlp.resume_training()
    sgd.learn_rate = 5e-3
    losses = []
    for _ in range(12):
        losses.append(nlp.update(examples, sgd=sgd)["ner"])
    assert losses[-1] < 0.2 * losses[0]
    assert [(e.text, e.label_) for e in nlp("hello new york").ents] == [("new york", "LOC")]
    nlp.to_disk(tmp_path / "trained")
    found = spacy.load(tmp_path / "trained")("hello new york").ents
    assert [(e.text, e.label_) for e in found] == [("new york", "LOC")]
    with pytest.raises(SettingError, match="fixed"):
        nlp.get_pipe("ner").add_label("ORG")  # type: ignore[attr-defined]
    assert nlp.get_pipe("ner").add_label("LOC") == 0  # type: ignore[attr-defined]


def test_imported_classifier_is_trained_further(make_hub: MakeHub, tmp_path: Path) -> None:
    import_checkpoint(make_hub("electra", "texts"), tmp_path / "out")
    nlp = spacy.load(tmp_path / "out")
    cats = {"cats": {"good": 0.0, "bad": 0.0, "neither": 1.0}}
    examples = [Example.from_dict(nlp.make_doc("hello"), cats)]
    sgd = nlp.resume_training()
    sgd.learn_rate = 5e-3
    for _ in range(8):
        nlp.update(examples, sgd=sgd)
    assert nlp("hello").cats["neither"] > 0.9
    # A label more keeps what is known.
    before = dict(nlp("world").cats)
    nlp.get_pipe("textcat").add_label("new")  # type: ignore[attr-defined]
    assert max(before, key=before.__getitem__) in nlp("world").cats


def test_masked_language_model(make_hub: MakeHub, tmp_path: Path) -> None:
    report = import_checkpoint(make_hub("bert", "masked"), tmp_path / "out")
    assert report.components == {"transformer": "bert_transformer", "fill_mask": "bert_fill_mask"}
    assert "fill_mask" in spacy.load(tmp_path / "out").pipe_names


def test_names_of_labels(make_hub: MakeHub, tmp_path: Path) -> None:
    generic = [f"LABEL_{i}" for i in range(3)]
    source = make_hub("bert", "texts", labels=generic)
    report = import_checkpoint(source, tmp_path / "generic")
    assert report.labels == generic
    assert any("--labels" in note for note in report.notes)
    report = import_checkpoint(source, tmp_path / "named", labels=CATEGORIES)
    assert report.labels == CATEGORIES
    assert not report.notes
    assert set(spacy.load(tmp_path / "named")("hello").cats) == set(CATEGORIES)
    # transformers leaves out the names of two outputs that nobody has named.
    source = make_hub("distilbert", "texts", labels=["a", "b"])
    edit_config(source, id2label=None, label2id=None)
    assert import_checkpoint(source, tmp_path / "two").labels == ["LABEL_0", "LABEL_1"]


def change(path: Path, **tensors: Any) -> None:
    weights = load_file(path / "model.safetensors")
    weights = {n: t for n, t in weights.items() if tensors.get(n, "kept") is not None}
    weights.update({n: t for n, t in tensors.items() if t is not None})
    save_file(weights, path / "model.safetensors", metadata={"format": "pt"})


def break_nothing(path: Path) -> None:
    """The label names are what is wrong."""


def drop_labels(path: Path) -> None:
    edit_config(path, id2label=None, label2id=None)


def make_hole(path: Path) -> None:
    edit_config(path, id2label={"0": "good", "2": "bad", "3": "neither"})


def pickle_only(path: Path) -> None:
    shutil.move(path / "model.safetensors", path / "pytorch_model.bin")


def two_classes(path: Path) -> None:
    names = ["BertForTokenClassification", "BertForSequenceClassification"]
    edit_config(path, architectures=names)


def other_class(path: Path) -> None:
    edit_config(path, architectures=["BertForQuestionAnswering"])


def no_class(path: Path) -> None:
    edit_config(path, architectures=None)


def other_family(path: Path) -> None:
    edit_config(path, model_type="bart", architectures=["BartForSequenceClassification"])


def second_head(path: Path) -> None:
    weight = load_file(path / "model.safetensors")["classifier.weight"]
    change(path, **{"qa_outputs.weight": weight.clone()})


def no_head(path: Path) -> None:
    change(path, **{"classifier.weight": None})


def no_bias(path: Path) -> None:
    change(path, **{"classifier.bias": None})


def narrow_head(path: Path) -> None:
    weight = load_file(path / "model.safetensors")["classifier.weight"]
    change(path, **{"classifier.weight": weight[:, :5].clone()})


def no_pooler(path: Path) -> None:
    change(path, **{"bert.pooler.dense.weight": None, "bert.pooler.dense.bias": None})


def regression(path: Path) -> None:
    edit_config(path, problem_type="regression")


@pytest.mark.parametrize(
    ("kind", "labels", "damage", "message"),
    [
        ("tokens", ["NOUN", "VERB", "X"], break_nothing, "tags words, not entities"),
        ("tokens", ["O", "B-X", "B_X"], break_nothing, "two outputs"),
        ("tokens", None, drop_labels, "id2label"),
        ("texts", None, drop_labels, "id2label"),
        ("texts", None, make_hole, "None"),
        ("texts", None, pickle_only, "pytorch_model.bin"),
        ("texts", None, two_classes, "BertForSequenceClassification"),
        ("texts", None, other_class, "BertForQuestionAnswering"),
        ("texts", None, no_class, "no architecture"),
        ("texts", None, other_family, "bart"),
        ("texts", None, second_head, "qa_outputs.weight"),
        ("texts", None, no_head, "classifier.weight"),
        ("tokens", None, no_bias, "output.bias"),
        ("texts", None, narrow_head, r"\(3, 5\)"),
        ("texts", None, no_pooler, "pooler"),
        ("texts", None, regression, "predicts a number"),
        ("texts", ["score"], break_nothing, "one output"),
    ],
)
def test_refused_and_nothing_left(
    kind: str,
    labels: list[str] | None,
    damage: Any,
    message: str,
    make_hub: MakeHub,
    tmp_path: Path,
) -> None:
    source = make_hub("bert", kind, labels=labels)
    damage(source)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(BertPluginError, match=message):
        import_checkpoint(source, tmp_path / "out")
    assert sorted(tmp_path.iterdir()) == before


def test_a_yes_or_no_model_is_one_label(make_hub: MakeHub, tmp_path: Path) -> None:
    source = make_hub("bert", "texts", labels=["toxic"])
    import_checkpoint(source, tmp_path / "out", exclusive=False)
    assert set(spacy.load(tmp_path / "out")("hello").cats) == {"toxic"}


def test_an_output_folder_that_is_taken(make_hub: MakeHub, tmp_path: Path) -> None:
    source, out = make_hub(), tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(CheckpointError, match="not an empty folder"):
        import_checkpoint(source, out)
    assert [p.name for p in out.iterdir()] == ["mine.txt"]
    (out / "mine.txt").unlink()
    import_checkpoint(source, out)
    assert json.loads((out / "meta.json").read_text())["lang"] == "en"


def test_encoder_alone(tiny_checkpoint: Path, tmp_path: Path) -> None:
    report = import_checkpoint(tiny_checkpoint, tmp_path / "out", lang="de")
    assert report.components == {"transformer": "bert_transformer"}
    nlp = spacy.load(tmp_path / "out")
    assert nlp.lang == "de"
    assert nlp("hello world").vector.any()

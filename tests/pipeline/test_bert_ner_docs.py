"""What `bert_ner` leaves on Docs and takes from them: entities, confidences, candidates."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example

from spacy_bert_plugin.pipeline.bert_ner import DocEntities
from tests.pipeline.conftest import TRAIN, learn_ner, list_ents, make_examples

MakeNlp = Callable[..., Language]
TEXTS = [text for text, _ in TRAIN]


def found(rows: list[tuple[int, int, int]], confidences: list[float]) -> DocEntities:
    return DocEntities(np.array(rows, dtype=np.int64).reshape(-1, 3), np.array(confidences))


def test_predict_does_not_touch_the_docs(ner_nlp: Language) -> None:
    doc = ner_nlp.get_pipe("bert_transformer")(ner_nlp.make_doc(TEXTS[1]))
    (prediction,) = ner_nlp.get_pipe("bert_ner").predict([doc])
    assert prediction.spans.tolist() == [[4, 5, 0]]
    assert not doc.has_annotation("ENT_IOB")
    ner_nlp.get_pipe("bert_ner").set_annotations([doc], [prediction])
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("london", "CITY")]
    assert doc.ents[0]._.confidence == pytest.approx(prediction.confidences[0])


def test_tokens_without_entity_are_outside(ner_nlp: Language) -> None:
    doc = ner_nlp(TEXTS[2])
    assert doc.ents == ()
    assert {token.ent_iob_ for token in doc} == {"O"}


def test_spans_that_nobody_scored_have_no_confidence(ner_nlp: Language) -> None:
    doc = ner_nlp(TEXTS[1])
    assert doc[0:2]._.confidence is None
    assert 0.0 < doc.ents[0]._.confidence <= 1.0


@pytest.mark.filterwarnings("ignore:.W109")  # the hooks that give vectors are not saved
@pytest.mark.parametrize("way", ["DocBin", "bytes"])
def test_confidence_survives_saving(ner_nlp: Language, way: str) -> None:
    docs = list(ner_nlp.pipe(TEXTS))
    if way == "DocBin":
        data = DocBin(docs=docs, store_user_data=True).to_bytes()
        loaded = list(DocBin().from_bytes(data).get_docs(spacy.blank("en").vocab))
    else:
        loaded = [Doc(spacy.blank("en").vocab).from_bytes(doc.to_bytes()) for doc in docs]
    assert sum(len(doc.ents) for doc in loaded) == 3
    for doc, expected in zip(loaded, docs, strict=True):
        assert [e._.confidence for e in doc.ents] == [e._.confidence for e in expected.ents]


def test_entities_that_are_there_are_kept(ner_nlp: Language) -> None:
    ruler = ner_nlp.add_pipe("entity_ruler", first=True)
    ruler.add_patterns([{"label": "PLACE", "pattern": "in london"}])
    doc = ner_nlp("book a table in london and in paris")
    assert [(ent.text, ent.label_) for ent in doc.ents] == [
        ("in london", "PLACE"),
        ("paris", "CITY"),
    ]
    assert doc.ents[0]._.confidence is None
    assert doc.ents[1]._.confidence > 0.0


def test_blocked_tokens_are_no_entities(ner_nlp: Language) -> None:
    doc = ner_nlp.make_doc("book a table in london and in paris")
    doc.set_ents([], blocked=[doc[4:5]], default="missing")
    doc = ner_nlp(doc)
    assert [ent.text for ent in doc.ents] == ["paris"]
    assert [token.i for token in doc if token.ent_iob_ == "B" and not token.ent_type_] == [4]


def test_annotating_twice_changes_nothing(ner_nlp: Language) -> None:
    ner = ner_nlp.get_pipe("bert_ner")
    doc = ner_nlp(TEXTS[1])
    before = list_ents(doc)
    ner.set_annotations([doc], [found([(3, 5, 1)], [0.9])])
    assert list_ents(doc) == before != []


@pytest.mark.parametrize(("threshold", "kept"), [(0.0, 3), (0.5, 2), (0.9, 1), (1.0, 0)])
def test_threshold(make_ner_nlp: MakeNlp, threshold: float, kept: int) -> None:
    nlp = make_ner_nlp(threshold=threshold)
    ner = nlp.get_pipe("bert_ner")
    ner.add_label("CITY")
    doc = nlp.make_doc("a b c d e")
    ner.set_annotations([doc], [found([(0, 1, 0), (2, 3, 0), (4, 5, 0)], [0.9, 0.5, 0.1])])
    assert [ent._.confidence for ent in doc.ents] == [0.9, 0.5, 0.1][:kept]


def test_a_threshold_of_the_config_holds_in_the_pipeline(make_ner_nlp: MakeNlp) -> None:
    nlp = make_ner_nlp(threshold=1.0)
    learn_ner(nlp)
    assert [doc.ents for doc in nlp.pipe(TEXTS)] == [()] * len(TEXTS)


def test_candidates_are_spans_with_scores(make_ner_nlp: MakeNlp) -> None:
    nlp = make_ner_nlp(spans_key="maybe", min_candidate=0.05)
    learn_ner(nlp, n_steps=6)
    n_candidates = 0
    for doc in nlp.pipe([*TEXTS, "", "two for tomorrow in new york please"]):
        group = doc.spans["maybe"]
        scores = group.attrs["scores"]
        assert len(scores) == len(group)
        assert ((scores >= 0.05) & (scores <= 1.0)).all()
        assert {span.label_ for span in group} <= {"CITY", "ROOM"}
        by_place = {(s.start, s.end, s.label_): p for s, p in zip(group, scores, strict=True)}
        for ent in doc.ents:
            if ent._.confidence >= 0.05:
                place = ent.start, ent.end, ent.label_
                assert by_place[place] == pytest.approx(ent._.confidence, abs=1e-4)
        n_candidates += len(group)
    assert n_candidates > 3


def test_candidates_survive_saving(make_ner_nlp: MakeNlp) -> None:
    nlp = make_ner_nlp(spans_key="maybe")
    learn_ner(nlp)
    doc = nlp(TEXTS[1])
    (loaded,) = DocBin().from_bytes(DocBin(docs=[doc]).to_bytes()).get_docs(nlp.vocab)
    group, expected = loaded.spans["maybe"], doc.spans["maybe"]
    assert [(s.text, s.label_) for s in group] == [(s.text, s.label_) for s in expected]
    np.testing.assert_allclose(group.attrs["scores"], expected.attrs["scores"])
    assert ("london", "CITY") in [(span.text, span.label_) for span in group]


def test_candidates_agree_with_entities_after_calibration(make_ner_nlp: MakeNlp) -> None:
    nlp = make_ner_nlp(spans_key="maybe", min_candidate=0.01)
    learn_ner(nlp)
    ner = nlp.get_pipe("bert_ner")
    ner.cfg["confidence"] = {"temperature": 2.0, "slope": 0.5, "shift": -0.5}
    doc = nlp(TEXTS[1])
    (ent,) = doc.ents
    group = doc.spans["maybe"]
    scores = {
        (s.start, s.end, s.label_): p for s, p in zip(group, group.attrs["scores"], strict=True)
    }
    assert scores[ent.start, ent.end, ent.label_] == pytest.approx(ent._.confidence, abs=1e-4)
    ner.cfg["confidence"] = {}
    assert nlp(TEXTS[1]).ents[0]._.confidence > ent._.confidence


def make_calibration_examples(nlp: Language) -> list[Example]:
    """Texts half of whose entities are annotated: what is found is right half of the time."""
    examples = []
    for number in range(40):
        text = f"book a table in {('london', 'paris')[number % 2]}"
        ents = [(16, len(text), "CITY")] if number % 4 < 2 else []
        examples.append(Example.from_dict(nlp.make_doc(text), {"entities": ents}))
    return examples


@pytest.mark.parametrize("use_crf", [False, True])
def test_fit_calibration(make_ner_nlp: MakeNlp, tmp_path: Any, use_crf: bool) -> None:
    nlp = make_ner_nlp({"use_crf": use_crf})
    learn_ner(nlp, n_steps=40)
    ner = nlp.get_pipe("bert_ner")
    before = [list_ents(doc) for doc in nlp.pipe(TEXTS)]
    examples = make_calibration_examples(nlp)
    encoder = nlp.get_pipe("bert_transformer")
    list(encoder.pipe(example.predicted for example in examples))
    report = ner.fit_calibration(examples)
    assert report["n_entities"] == 40
    assert report["ece_after"] < 0.1 < 0.3 < report["ece_before"]
    after = [list_ents(doc) for doc in nlp.pipe(TEXTS)]
    assert [[e[:3] for e in ents] for ents in after] == [[e[:3] for e in ents] for ents in before]
    assert nlp(TEXTS[1]).ents[0]._.confidence == pytest.approx(0.5, abs=0.1)
    nlp.to_disk(tmp_path / "model")
    loaded = spacy.load(tmp_path / "model")
    assert [list_ents(doc) for doc in loaded.pipe(TEXTS)] == after
    nlp.initialize(lambda: make_examples(nlp))
    assert ner.confidence.to_dict() == {"temperature": 1.0, "slope": 1.0, "shift": 0.0}


def test_calibration_by_too_little_changes_nothing(ner_nlp: Language) -> None:
    ner = ner_nlp.get_pipe("bert_ner")
    before = [list_ents(doc) for doc in ner_nlp.pipe(TEXTS)]
    few = make_examples(ner_nlp)
    nothing = [Example.from_dict(ner_nlp.make_doc(text), {}) for text in TEXTS * 20]
    empty = [Example.from_dict(ner_nlp.make_doc(""), {"entities": []})]
    for examples in (few, nothing, empty, []):
        list(ner_nlp.get_pipe("bert_transformer").pipe(e.predicted for e in examples))
        report = ner.fit_calibration(examples)
        assert "ece_after" not in report
    assert [list_ents(doc) for doc in ner_nlp.pipe(TEXTS)] == before


def test_overlapping_annotation_of_spans_does_not_matter(ner_nlp: Language) -> None:
    doc = ner_nlp.make_doc(TEXTS[1])
    doc.spans["other"] = [Span(doc, 0, 3, label="X"), Span(doc, 1, 4, label="Y")]
    assert [ent.text for ent in ner_nlp(doc).ents] == ["london"]
    assert len(doc.spans["other"]) == 2

"""`bert_spancat`: nested spans over a shared or own encoder; gold, scores, labels, saving."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span, SpanGroup
from spacy.training import Example

from spacy_bert_plugin.errors import DataError, ListenerError, SettingError

MakeNlp = Callable[..., Language]
SpanT = tuple[int, int, str]
# Spans in tokens: nested, with the same borders and two labels, overlapping, none at all.
TRAIN: list[tuple[str, list[SpanT]]] = [
    ("play some music in new york", [(4, 6, "CITY"), (3, 6, "PLACE"), (2, 3, "ITEM")]),
    ("book a table in london", [(4, 5, "CITY"), (3, 5, "PLACE"), (1, 3, "ITEM")]),
    ("turn the kitchen light off", [(2, 3, "CITY"), (2, 4, "ITEM"), (2, 4, "PLACE")]),
    ("hello world", []),
]
TEXTS = [text for text, _ in TRAIN]


def make_example(nlp: Language, text: str, spans: list[SpanT] | None, key: str = "sc") -> Example:
    reference = nlp.make_doc(text)
    if spans is not None:
        reference.spans[key] = [Span(reference, start, end, label) for start, end, label in spans]
    return Example(nlp.make_doc(text), reference)


def make_examples(nlp: Language, key: str = "sc") -> list[Example]:
    return [make_example(nlp, text, spans, key) for text, spans in TRAIN]


def list_spans(doc: Doc, key: str = "sc") -> list[SpanT]:
    return sorted((span.start, span.end, span.label_) for span in doc.spans[key])


def get_scores(doc: Doc) -> np.ndarray:
    scores: np.ndarray = doc.spans["sc"].attrs["scores"]
    return scores


def learn(nlp: Language, examples: list[Example], n_steps: int = 40) -> list[float]:
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 5e-3
    losses = [nlp.update(examples, sgd=optimizer) for _ in range(n_steps)]
    return [loss["bert_spancat"] for loss in losses]


@pytest.fixture
def make_spancat(make_nlp: MakeNlp) -> MakeNlp:
    """Make a pipeline with a shared encoder and a span head."""

    def make(**config: Any) -> Language:
        nlp = make_nlp(heads=False)
        nlp.add_pipe("bert_spancat", config=config)
        return nlp

    return make


@pytest.fixture
def nlp(make_spancat: MakeNlp) -> Language:
    """An initialised, untrained pipeline."""
    nlp = make_spancat(max_length=4)
    nlp.initialize(lambda: make_examples(nlp))
    return nlp


@pytest.fixture(scope="module")
def trained_path(tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a pipeline that knows its training data."""
    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe("bert_transformer", config={"model": {"name": str(tiny_checkpoint), "overlap": 8}})
    nlp.add_pipe("bert_spancat", config={"max_length": 4})
    learn(nlp, make_examples(nlp))
    path = tmp_path_factory.mktemp("spancat") / "model"
    nlp.to_disk(path)
    return path


@pytest.fixture
def trained(trained_path: Path) -> Language:
    """A pipeline that knows its training data."""
    return spacy.load(trained_path)


INLINE = {
    "BertEncoder": {"@architectures": "spacy-bert-plugin.BertEncoder.v1", "overlap": 8},
    "HashEmbedCNN": {
        "@architectures": "spacy.HashEmbedCNN.v2",
        "pretrained_vectors": None,
        "width": 32,
        "depth": 2,
        "embed_size": 200,
        "window_size": 1,
        "maxout_pieces": 2,
        "subword_features": True,
    },
}


@pytest.mark.parametrize("scoring", ["biaffine", "start_end"])
@pytest.mark.parametrize("place", ["listening", *INLINE])
def test_learns_nested_spans_and_saves(
    make_spancat: MakeNlp, tiny_checkpoint: Path, tmp_path: Path, place: str, scoring: str
) -> None:
    model: dict[str, Any] = {"scoring": scoring, "hidden_width": 24}
    if place == "listening":
        nlp = make_spancat(max_length=4, model=model)
    else:
        spacy.util.fix_random_seed(0)
        nlp, tok2vec = spacy.blank("en"), dict(INLINE[place])
        if place == "BertEncoder":
            tok2vec["name"] = str(tiny_checkpoint)
        model = {"@architectures": "spacy-bert-plugin.SpanScorer.v1", "tok2vec": tok2vec, **model}
        nlp.add_pipe("bert_spancat", config={"max_length": 4, "model": model})
    losses = learn(nlp, make_examples(nlp))
    assert losses[-1] < losses[0] / 10
    docs = list(nlp.pipe(TEXTS))
    assert [list_spans(doc) for doc in docs] == [sorted(spans) for _, spans in TRAIN]
    assert nlp.evaluate(make_examples(nlp))["spans_sc_f"] == 1.0

    nlp.to_disk(tmp_path / "model")
    for other in (spacy.load(tmp_path / "model"), _from_bytes(nlp)):
        for doc, text in zip(docs, TEXTS, strict=True):
            again = other(text)
            assert list_spans(again) == list_spans(doc)
            assert get_scores(again) == pytest.approx(get_scores(doc), abs=1e-5)


def _from_bytes(nlp: Language) -> Language:
    other = spacy.blank("en").from_config(nlp.config)
    return other.from_bytes(nlp.to_bytes())


def test_scores_stand_beside_their_spans(trained: Language) -> None:
    doc = trained(TEXTS[2])
    assert len(get_scores(doc)) == len(doc.spans["sc"]) == 3
    assert ((get_scores(doc) >= 0.5) & (get_scores(doc) <= 1.0)).all()
    trained.get_pipe("bert_spancat").threshold = 0.0
    every = trained(TEXTS[2])
    n_spans = 5 + 4 + 3 + 2
    assert len(every.spans["sc"]) == n_spans * 3
    known = {(s.start, s.end, s.label_): p for s, p in _iter_scored(every)}
    assert {span: known[span] for span in list_spans(doc)} == pytest.approx(
        {(s.start, s.end, s.label_): p for s, p in _iter_scored(doc)}, abs=1e-6
    )
    assert sum(p >= 0.5 for p in known.values()) == 3


def _iter_scored(doc: Doc) -> Any:
    return zip(doc.spans["sc"], get_scores(doc).tolist(), strict=True)


def test_alone_equals_in_a_batch_and_empty_docs_have_no_spans(trained: Language) -> None:
    texts = ["", *TEXTS, "", TEXTS[1]]
    together = list(trained.pipe(texts))
    for text, doc in zip(texts, together, strict=True):
        alone = trained(text)
        assert list_spans(alone) == list_spans(doc)
        assert get_scores(alone) == pytest.approx(get_scores(doc), abs=1e-5)
    assert isinstance(together[0].spans["sc"], SpanGroup)
    assert len(together[0].spans["sc"]) == len(get_scores(together[0])) == 0
    assert trained.get_pipe("bert_spancat").predict([]) == []


def test_prediction_changes_no_doc(trained: Language) -> None:
    doc = trained.get_pipe("bert_transformer")(trained.make_doc(TEXTS[0]))
    found = trained.get_pipe("bert_spancat").predict([doc])
    assert len(found[0].spans) == 3
    assert "sc" not in doc.spans


def test_a_doc_with_its_spans_survives_bytes(trained: Language) -> None:
    doc = trained(TEXTS[0])
    again = next(DocBin().from_bytes(DocBin(docs=[doc]).to_bytes()).get_docs(trained.vocab))
    assert list_spans(again) == list_spans(doc)
    assert get_scores(again).tolist() == get_scores(doc).tolist()


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ({"max_positive": 1}, {(2, 3), (2, 4)}),
        ({"allow_overlap": False}, {(2, 4)}),
        ({"threshold": 1.0}, set()),
    ],
    ids=str,
)
def test_settings_choose_among_spans(
    trained: Language, setting: dict[str, Any], expected: set[tuple[int, int]]
) -> None:
    pipe = trained.get_pipe("bert_spancat")
    for name, value in setting.items():
        setattr(pipe, name, value)
    found = [span[:2] for span in list_spans(trained(TEXTS[2]))]
    assert len(found) == len(set(found))
    if "allow_overlap" in setting:
        assert set(found) in ({(2, 4)}, {(2, 3)})
    else:
        assert set(found) == expected


@pytest.mark.parametrize(
    "config",
    [
        {"threshold": 1.5},
        {"max_length": 0},
        {"max_positive": 0},
        {"max_positive": -1},
        {"positive_weight": 0.0},
        {"spans_key": ""},
        {"model": {"scoring": "dot"}},
        {"model": {"hidden_width": 0}},
    ],
    ids=str,
)
def test_impossible_settings_are_refused(make_spancat: MakeNlp, config: dict[str, Any]) -> None:
    name = next(iter(config.get("model", config)))
    with pytest.raises(SettingError, match=name):
        make_spancat(**config)


def test_other_key_and_labels_from_outside(make_spancat: MakeNlp) -> None:
    nlp = make_spancat(spans_key="mine", max_length=4)
    pipe = nlp.get_pipe("bert_spancat")
    examples = make_examples(nlp, key="mine")
    nlp.config["initialize"]["components"]["bert_spancat"] = {
        "labels": ["PLACE", "CITY", "ITEM", "OTHER"]
    }
    nlp.initialize(lambda: examples)
    assert pipe.labels == ("PLACE", "CITY", "ITEM", "OTHER")
    assert pipe.label_data == list(pipe.labels)
    nlp.update(examples, sgd=nlp.create_optimizer())
    assert list(nlp(TEXTS[0]).spans) == ["mine"]
    assert "spans_mine_f" in nlp.evaluate(examples)


def test_positive_weight_raises_confidences(make_spancat: MakeNlp) -> None:
    means = []
    for weight in (1.0, 20.0):
        nlp = make_spancat(max_length=4, threshold=0.0, positive_weight=weight)
        learn(nlp, make_examples(nlp), n_steps=3)
        means.append(get_scores(nlp(TEXTS[0])).mean())
    assert means[1] > means[0]


def test_own_copy_of_the_encoder_finds_the_same(trained: Language, tmp_path: Path) -> None:
    before = [trained(text) for text in TEXTS]
    trained.replace_listeners("bert_transformer", "bert_spancat", ["model.tok2vec"])
    trained.remove_pipe("bert_transformer")
    trained.to_disk(tmp_path / "own")
    for nlp in (trained, spacy.load(tmp_path / "own")):
        assert [list_spans(nlp(text)) for text in TEXTS] == [list_spans(doc) for doc in before]
    losses = nlp.update(make_examples(nlp), sgd=nlp.resume_training())
    assert 0.0 < losses["bert_spancat"] < 1.0


# Annotation


def update_once(nlp: Language, examples: list[Example]) -> float:
    return nlp.update(examples, sgd=nlp.create_optimizer())["bert_spancat"]


def test_docs_without_the_group_are_not_learned_from(nlp: Language) -> None:
    pipe = nlp.get_pipe("bert_spancat")
    weights = pipe.model.to_bytes()
    unknown = [make_example(nlp, text, None) for text in TEXTS]
    assert update_once(nlp, unknown) == 0.0
    assert update_once(nlp, [make_example(nlp, "", None)]) == 0.0
    assert pipe.model.to_bytes() == weights
    mixed, alone = [*make_examples(nlp), *unknown], make_examples(nlp)
    losses = [nlp.update(batch, sgd=False)["bert_spancat"] for batch in (mixed, alone)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_all_empty_gold_teaches_that_there_are_none(make_spancat: MakeNlp) -> None:
    nlp = make_spancat(max_length=4)
    nlp.get_pipe("bert_spancat").add_label("CITY")
    losses = learn(nlp, [make_example(nlp, text, []) for text in TEXTS], n_steps=15)
    assert losses[-1] < losses[0]
    assert [len(doc.spans["sc"]) for doc in nlp.pipe(TEXTS)] == [0] * 4


def test_one_warning_about_misaligned_spans(make_spancat: MakeNlp) -> None:
    nlp = make_spancat(max_length=4)
    words = ["boo", "k a", "table", "in", "lon", "don"]
    cut = Doc(nlp.vocab, words=words, spaces=[False, True, True, True, False, False])
    cut.spans["sc"] = [
        Span(cut, 0, 1, "ITEM"),
        Span(cut, 4, 5, "CITY"),
        Span(cut, 4, 6, "CITY"),
    ]
    examples = [*make_examples(nlp), Example(nlp.make_doc("book a table in london"), cut)]
    with pytest.warns(UserWarning, match=r"2 annotated spans in doc.spans\['sc'\] do not begin"):
        nlp.initialize(lambda: examples)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert update_once(nlp, examples) > 0


def test_one_warning_about_long_spans_names_the_length_needed(make_spancat: MakeNlp) -> None:
    nlp = make_spancat(max_length=2)
    examples = [*make_examples(nlp), make_example(nlp, TEXTS[0], [(0, 5, "ITEM")])]
    with pytest.warns(UserWarning, match=r"2 annotated spans .* max_length = 5 to have them"):
        nlp.initialize(lambda: examples)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert update_once(nlp, examples) > 0


def test_one_warning_about_unknown_labels(nlp: Language) -> None:
    examples = [make_example(nlp, TEXTS[0], [(0, 1, "VERB"), (2, 3, "ITEM")])]
    with pytest.warns(UserWarning, match="does not know: VERB. Expected one of CITY, ITEM, PLACE"):
        update_once(nlp, examples)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert update_once(nlp, examples) > 0


def test_spans_without_a_word_are_no_spans(nlp: Language) -> None:
    examples = [make_example(nlp, TEXTS[0], [(2, 2, "ITEM"), (2, 3, "ITEM")])]
    with pytest.warns(UserWarning, match="1 annotated spans"):
        assert update_once(nlp, examples) > 0


def test_other_tokens_than_the_annotated_ones(nlp: Language) -> None:
    """Spans are learned in the tokens of the pipeline."""
    words = ["new", "y", "ork"]
    reference = Doc(nlp.vocab, words=words, spaces=[True, False, False])
    reference.spans["sc"] = [Span(reference, 0, 3, "CITY")]
    example = Example(nlp.make_doc("new york"), reference)
    same = make_example(nlp, "new york", [(0, 2, "CITY")])
    losses = [nlp.update([one], sgd=False)["bert_spancat"] for one in (example, same)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_no_labels_is_an_error(make_spancat: MakeNlp) -> None:
    nlp = make_spancat()
    with pytest.raises(DataError, match=r"no labels.*spans_key"):
        nlp.initialize(lambda: [make_example(nlp, text, None) for text in TEXTS])


def test_no_examples_is_the_error_that_spacy_has(make_spancat: MakeNlp) -> None:
    nlp = make_spancat()
    with pytest.raises((TypeError, ValueError), match="E9"):
        nlp.initialize(lambda: [])


def test_prediction_before_initialisation_is_an_error(make_spancat: MakeNlp) -> None:
    nlp = make_spancat()
    nlp.get_pipe("bert_transformer").initialize()
    with pytest.raises(ListenerError, match="no weights yet"):
        nlp("hello world")


def test_vectors_of_whole_docs_are_refused(make_spancat: MakeNlp) -> None:
    listener = {"@architectures": "spacy-bert-plugin.BertPooledListener.v1", "pooling": "mean"}
    nlp = make_spancat(model={"tok2vec": {**listener, "upstream": "*"}})
    nlp.initialize(lambda: make_examples(nlp))
    with pytest.raises(ListenerError, match="one vector for each token"):
        nlp(TEXTS[0])
    with pytest.raises(ListenerError, match="one vector for each token"):
        update_once(nlp, make_examples(nlp))


# Labels


def test_label_added_after_training_leaves_the_others_alone(trained: Language) -> None:
    pipe = trained.get_pipe("bert_spancat")
    before = get_scores(trained(TEXTS[0]))
    assert pipe.add_label("CITY") == 0
    assert pipe.add_label("VERB") == 1
    assert pipe.labels == ("CITY", "ITEM", "PLACE", "VERB")
    doc = trained(TEXTS[0])
    assert get_scores(doc) == pytest.approx(before, abs=1e-6)
    examples = [make_example(trained, TEXTS[1], [*TRAIN[1][1], (0, 1, "VERB")])]
    optimizer = trained.resume_training()
    optimizer.learn_rate = 5e-3
    for _ in range(40):
        trained.update(examples, sgd=optimizer)
    assert (0, 1, "VERB") in list_spans(trained(TEXTS[1]))


def test_labels_must_be_names(nlp: Language) -> None:
    for label in (3, ""):
        with pytest.raises(SettingError, match="label"):
            nlp.get_pipe("bert_spancat").add_label(label)


# Confidence


def run_upstream(nlp: Language, examples: list[Example]) -> list[Example]:
    """Examples whose predicted Docs the encoder has run on."""
    encoder = nlp.get_pipe("bert_transformer")
    return [Example(encoder(nlp.make_doc(eg.text)), eg.reference) for eg in examples]


def test_calibration_makes_confidences_honest(trained: Language, tmp_path: Path) -> None:
    pipe = trained.get_pipe("bert_spancat")
    assert pipe.cfg["temperature"] == 1.0
    # In other people's eyes half of what it finds is wrong: it should be less sure.
    doubted = [(text, spans[::2] if i % 2 else []) for i, (text, spans) in enumerate(TRAIN)]
    examples = [make_example(trained, text, spans) for text, spans in doubted]
    before = trained(TEXTS[0])
    report = pipe.fit_calibration(run_upstream(trained, examples))
    assert set(report) == {"temperature", "ece_before", "ece_after"}
    assert report["temperature"] == pipe.cfg["temperature"] > 1.5
    assert report["ece_after"] < report["ece_before"]
    after = trained(TEXTS[0])
    assert list_spans(after) == list_spans(before)
    assert (get_scores(after) < get_scores(before)).all()
    trained.to_disk(tmp_path / "model")
    loaded = spacy.load(tmp_path / "model")
    assert get_scores(loaded(TEXTS[0])) == pytest.approx(get_scores(after), abs=1e-5)


def test_nothing_annotated_is_nothing_to_calibrate(nlp: Language) -> None:
    pipe = nlp.get_pipe("bert_spancat")
    unknown = [make_example(nlp, text, None) for text in TEXTS]
    assert pipe.fit_calibration(run_upstream(nlp, unknown)) == {}
    assert pipe.fit_calibration([]) == {}
    assert pipe.cfg["temperature"] == 1.0


def test_threshold_can_be_given_while_loading(trained: Language, tmp_path: Path) -> None:
    trained.to_disk(tmp_path / "model")
    config = {"components": {"bert_spancat": {"threshold": 0.0}}}
    assert len(spacy.load(tmp_path / "model", config=config)("hello world").spans["sc"]) == 9

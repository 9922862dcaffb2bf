"""`bert_qa`: answers over a shared or own encoder; the contract that every head keeps."""

import threading
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

from spacy_bert_plugin.checks import check_component
from spacy_bert_plugin.errors import DataError, ListenerError, SettingError
from spacy_bert_plugin.pipeline import long_docs
from spacy_bert_plugin.pipeline.question_docs import make_question_docs
from spacy_bert_plugin.util.pairs import make_pair_doc
from tests.pipeline.conftest import CNN, make_inline

MakeNlp = Callable[..., Language]
HOUSE = "the long street in paris is good and the house in london is bad"
LIGHT = "turn the kitchen light on at seven and play some music by two"
# Question, context, right answers in tokens of the context; the last has none.
TRAIN: list[tuple[str, str, list[tuple[int, int]]]] = [
    ("find the good word", HOUSE, [(1, 3)]),
    ("find the bad word", HOUSE, [(9, 10)]),
    ("find the light", LIGHT, [(2, 4)]),
    ("find music", LIGHT, [(9, 11), (10, 11)]),
]
UNANSWERABLE = ("find rain", HOUSE, [])
QUESTIONS = [(question, context) for question, context, _ in TRAIN]


def make_docs(nlp: Language) -> list[Doc]:
    return [make_pair_doc(nlp, *texts) for texts in QUESTIONS]


def make_example(
    nlp: Language, question: str, context: str, answers: list[tuple[int, int]] | None
) -> Example:
    reference = make_pair_doc(nlp, question, context)
    first = reference.spans["pair"][1].start
    if answers is not None:
        spans = [Span(reference, first + start, first + end) for start, end in answers]
        reference.spans["gold_answers"] = spans
    return Example(make_pair_doc(nlp, question, context), reference)


def make_examples(nlp: Language, *, unanswerable: bool = False) -> list[Example]:
    rows = [*TRAIN, UNANSWERABLE] if unanswerable else TRAIN
    return [make_example(nlp, *row) for row in rows]


def read(doc: Doc) -> list[tuple[str, float]]:
    group = doc.spans["answers"]
    scores = group.attrs["scores"].tolist()
    return [(span.text, score) for span, score in zip(group, scores, strict=True)]


def near(answers: list[tuple[str, float]]) -> Any:
    return [(text, pytest.approx(score, abs=1e-5)) for text, score in answers]


def learn(nlp: Language, examples: list[Example], n_steps: int = 40) -> list[float]:
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 5e-3
    return [nlp.update(examples, sgd=optimizer)["bert_qa"] for _ in range(n_steps)]


@pytest.fixture
def make_qa(make_nlp: MakeNlp) -> MakeNlp:
    """Make a pipeline with a shared encoder and a head for answers."""

    def make(encoder: dict[str, Any] | None = None, **config: Any) -> Language:
        nlp = make_nlp(heads=False, **(encoder or {}))
        nlp.add_pipe("bert_qa", config=config)
        return nlp

    return make


@pytest.fixture(scope="module")
def trained_path(tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a pipeline that knows its training data, and when there is no answer."""
    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe("bert_transformer", config={"model": {"name": str(tiny_checkpoint), "overlap": 8}})
    nlp.add_pipe("bert_qa")
    learn(nlp, make_examples(nlp, unanswerable=True), 60)
    path = tmp_path_factory.mktemp("qa") / "model"
    nlp.to_disk(path)
    return path


@pytest.fixture
def trained(trained_path: Path) -> Language:
    """A pipeline that knows its training data."""
    return spacy.load(trained_path)


def from_bytes(nlp: Language) -> Language:
    return spacy.blank("en").from_config(nlp.config).from_bytes(nlp.to_bytes())


@pytest.mark.parametrize("place", ["listening", "BertEncoder", "HashEmbedCNN"])
def test_learns_and_saves(
    make_qa: MakeNlp, tiny_checkpoint: Path, tmp_path: Path, place: str
) -> None:
    if place == "listening":
        nlp = make_qa(model={"hidden_width": 24})
    else:
        spacy.util.fix_random_seed(0)
        nlp = spacy.blank("en")
        # A layer that looks at neighbours only cannot know the question: it learns one answer.
        inline = make_inline(tiny_checkpoint) if place == "BertEncoder" else CNN
        nlp.add_pipe("bert_qa", config={"model": {"tok2vec": inline}})
    losses = learn(nlp, make_examples(nlp))
    assert losses[-1] < losses[0] / (2 if place == "HashEmbedCNN" else 5)
    docs = list(nlp.pipe(make_docs(nlp)))
    if place != "HashEmbedCNN":
        scores = nlp.evaluate(make_examples(nlp))
        assert scores["qa_em"] == scores["qa_f1"] == 1.0
    nlp.to_disk(tmp_path / "model")
    for other in (spacy.load(tmp_path / "model"), from_bytes(nlp)):
        for doc, again in zip(docs, other.pipe(make_docs(other)), strict=True):
            assert read(again) == near(read(doc))


def test_questions_without_an_answer(trained: Language, tmp_path: Path) -> None:
    scores = trained.evaluate(make_examples(trained, unanswerable=True))
    assert scores["qa_em"] == scores["qa_has_answer_em"] == scores["qa_no_answer_accuracy"] == 1.0
    group = trained(make_pair_doc(trained, *UNANSWERABLE[:2])).spans["answers"]
    assert len(group) == len(group.attrs["scores"]) == 0
    assert group.attrs["no_answer"] > 0.5
    assert group.attrs["margin"] > 0.0
    pipe = trained.get_pipe("bert_qa")
    pipe.threshold = 1000.0
    assert len(trained(make_pair_doc(trained, *UNANSWERABLE[:2])).spans["answers"]) == 1
    pipe.threshold = -1000.0
    assert [read(doc) for doc in trained.pipe(make_docs(trained))] == [[]] * 4


def test_answers_lie_in_the_context_and_have_confidences(trained: Language) -> None:
    for doc, (_, _, gold) in zip(trained.pipe(make_docs(trained)), TRAIN, strict=True):
        (span,) = doc.spans["answers"]
        second = doc.spans["pair"][1].start
        assert (span.start - second, span.end - second) in gold
        assert span._.confidence == doc.spans["answers"].attrs["scores"][0] > 0.3


def test_top_k_are_sorted_and_apart_unless_they_may_overlap(trained: Language) -> None:
    pipe = trained.get_pipe("bert_qa")
    best = read(trained(make_pair_doc(trained, *QUESTIONS[0])))
    pipe.top_k = 3
    docs = [trained(make_docs(trained)[0])]
    apart = docs[0].spans["answers"]
    assert len(apart) == 3
    taken = [token.i for span in apart for token in span]
    assert len(taken) == len(set(taken))
    pipe.allow_overlap = True
    docs.append(trained(make_docs(trained)[0]))
    every = docs[1].spans["answers"]
    assert len({(span.start, span.end) for span in every}) == 3
    for group in (apart, every):
        scores = group.attrs["scores"].tolist()
        assert scores == sorted(scores, reverse=True)
        assert sum(scores) <= 1.0
        assert [(group[0].text, scores[0])] == near(best)
    assert every.attrs["scores"].sum() >= apart.attrs["scores"].sum() - 1e-6


def test_no_answer_is_longer_than_allowed(trained: Language) -> None:
    trained.get_pipe("bert_qa").max_answer_tokens = 1
    for doc in trained.pipe(make_docs(trained)):
        assert all(len(span) == 1 for span in doc.spans["answers"])


def test_white_space_begins_and_ends_no_answer(trained: Language) -> None:
    doc = make_pair_doc(trained, "find \n music", "\n  play  \n  some \n")
    trained.get_pipe("bert_qa").top_k = 20
    trained.get_pipe("bert_qa").threshold = 1000.0
    spans = list(trained(doc).spans["answers"])
    assert spans
    assert not any(span[0].is_space or span[-1].is_space for span in spans)
    blank = trained(make_pair_doc(trained, "find music", " \n "))
    assert read(blank) == []


def test_alone_equals_in_a_batch_and_in_threads(trained: Language) -> None:
    trained.get_pipe("bert_qa").top_k = 2
    docs = make_docs(trained)
    together = [read(doc) for doc in trained.pipe([*docs, *make_docs(trained)[::-1]])]
    alone = [read(trained(doc)) for doc in make_docs(trained)]
    assert together[:4] == [near(answers) for answers in alone]
    assert together[4:] == [near(answers) for answers in alone[::-1]]
    found: list[Any] = []

    def predict() -> None:
        found.append([read(trained(doc)) for doc in make_docs(trained)])

    threads = [threading.Thread(target=predict) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [alone] * 4  # bit by bit


def test_empty_docs_and_no_docs(trained: Language) -> None:
    assert "answers" not in trained("").spans
    assert trained.get_pipe("bert_qa").predict([]) == []
    docs = list(trained.pipe([trained.make_doc(""), *make_docs(trained)]))
    assert [len(doc.spans.get("answers", ())) for doc in docs] == [0, 1, 1, 1, 1]


def test_prediction_changes_no_doc(trained: Language) -> None:
    doc = trained.get_pipe("bert_transformer")(make_docs(trained)[0])
    assert trained.get_pipe("bert_qa").predict([doc])[0] is not None
    assert list(doc.spans) == ["pair"]


def test_a_doc_with_its_answers_survives_bytes(trained: Language) -> None:
    doc = trained(make_docs(trained)[0])
    data = DocBin(docs=[doc], store_user_data=True).to_bytes()
    again = next(DocBin().from_bytes(data).get_docs(trained.vocab))
    assert read(again) == read(doc)
    assert again.spans["answers"][0]._.confidence == read(doc)[0][1]


def test_two_processes_find_the_same(trained: Language) -> None:
    expected = [read(doc) for doc in trained.pipe(make_docs(trained))]
    found = [read(doc) for doc in trained.pipe(make_docs(trained), n_process=2, batch_size=2)]
    assert found == [near(answers) for answers in expected]


def test_the_confidence_of_an_entity_is_left_alone(trained: Language) -> None:
    doc = make_docs(trained)[0]
    text, score = read(trained(make_docs(trained)[0]))[0]
    first = doc.spans["pair"][1].start
    doc.ents = [Span(doc, first + 1, first + 3, label="PLACE")]
    doc.ents[0]._.confidence = 0.125
    doc = trained(doc)
    assert doc.ents[0].text == text
    assert doc.ents[0]._.confidence == 0.125
    assert read(doc) == near([(text, score)])
    # Without one, what an earlier run left is replaced.
    other = make_docs(trained)[0]
    other[first + 1 : first + 3]._.confidence = 0.125
    assert trained(other).spans["answers"][0]._.confidence == pytest.approx(score, abs=1e-5)


# Encoders


def test_own_copy_of_the_encoder_finds_the_same(trained: Language, tmp_path: Path) -> None:
    before = [read(doc) for doc in trained.pipe(make_docs(trained))]
    trained.replace_listeners("bert_transformer", "bert_qa", ["model.tok2vec"])
    trained.remove_pipe("bert_transformer")
    trained.to_disk(tmp_path / "own")
    for nlp in (trained, spacy.load(tmp_path / "own")):
        found = [read(doc) for doc in nlp.pipe(make_docs(nlp))]
        assert found == [near(answers) for answers in before]
    losses = nlp.update(make_examples(nlp), sgd=nlp.resume_training())
    assert 0.0 < losses["bert_qa"] < 1.0


def test_sourced_with_its_encoder_or_frozen_beside_it(trained: Language) -> None:
    expected = [read(doc) for doc in trained.pipe(make_docs(trained))]
    nlp = spacy.blank("en")
    nlp.add_pipe("bert_transformer", source=trained)
    nlp.add_pipe("bert_qa", source=trained)
    assert [read(doc) for doc in nlp.pipe(make_docs(nlp))] == [near(each) for each in expected]
    encoder, head = (nlp.get_pipe(name) for name in nlp.pipe_names)
    weights = encoder.model.to_bytes(), head.model.to_bytes()
    sgd, frozen = nlp.resume_training(), ["bert_transformer"]
    nlp.update(make_examples(nlp), sgd=sgd, exclude=frozen, annotates=frozen)
    assert encoder.model.to_bytes() == weights[0]
    assert head.model.to_bytes() != weights[1]
    weights = weights[0], head.model.to_bytes()
    nlp.update(make_examples(nlp), sgd=sgd, exclude=["bert_qa"])
    assert head.model.to_bytes() == weights[1]


@pytest.mark.parametrize("keep", ["none", "doc", "tokens"])
def test_long_contexts_are_read_in_runs(
    trained_path: Path, monkeypatch: pytest.MonkeyPatch, keep: str
) -> None:
    nlp = spacy.load(trained_path, config={"components": {"bert_transformer": {"keep": keep}}})
    context = f"{'it was a long word . ' * 60}{HOUSE}{' you and i .' * 20}"
    docs = [nlp(make_pair_doc(nlp, TRAIN[0][0], context))]
    monkeypatch.setattr(long_docs, "LONG_DOC", 100)
    monkeypatch.setattr(long_docs, "RUN_PIECES", 64)
    docs.append(nlp(make_pair_doc(nlp, TRAIN[0][0], context)))
    expected, found = (doc.spans["answers"] for doc in docs)
    assert [span.text for span in found] == [span.text for span in expected]
    assert found.attrs["scores"] == pytest.approx(expected.attrs["scores"], abs=1e-5)
    assert found.attrs["no_answer"] == pytest.approx(expected.attrs["no_answer"], abs=1e-5)


def test_vectors_of_whole_docs_are_refused(make_qa: MakeNlp) -> None:
    pooled = {"@architectures": "spacy-bert-plugin.BertPooledListener.v1", "upstream": "*"}
    with pytest.raises(ListenerError, match="cls"):
        make_qa(model={"tok2vec": pooled})


# Gold


def update_once(nlp: Language, examples: list[Example]) -> float:
    return nlp.update(examples, sgd=nlp.create_optimizer())["bert_qa"]


def test_docs_without_gold_are_not_learned_from(trained: Language) -> None:
    pipe = trained.get_pipe("bert_qa")
    weights = pipe.model.to_bytes()
    unknown = [make_example(trained, question, context, None) for question, context in QUESTIONS]
    assert update_once(trained, unknown) == 0.0
    assert update_once(trained, [Example(trained.make_doc(""), trained.make_doc(""))]) == 0.0
    assert update_once(trained, [Example(trained.make_doc("a"), trained.make_doc("a"))]) == 0.0
    assert pipe.model.to_bytes() == weights
    mixed, alone = [*make_examples(trained), *unknown], make_examples(trained)
    losses = [trained.update(batch, sgd=False)["bert_qa"] for batch in (mixed, alone)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_resumed_training_goes_on(trained: Language) -> None:
    rows = [("find the good word", HOUSE, [(4, 5)])]
    examples = [make_example(trained, *row) for row in rows]
    sgd = trained.resume_training()
    sgd.learn_rate = 5e-3
    for _ in range(20):
        trained.update(examples, sgd=sgd)
    assert read(trained(make_pair_doc(trained, *rows[0][:2])))[0][0] == "paris"


def test_answers_that_cannot_be_learned_are_counted_once(make_qa: MakeNlp) -> None:
    nlp = make_qa(max_answer_tokens=2)
    examples = make_examples(nlp)
    asked = examples[0].reference
    asked.spans["gold_answers"] = [*asked.spans["gold_answers"], Span(asked, 0, 2)]
    long = make_example(nlp, "find it", HOUSE, [(0, 6)])
    with pytest.warns(UserWarning, match="right answers") as caught:
        nlp.initialize(lambda: [*examples, long])
    messages = [str(warning.message) for warning in caught]
    assert any("1 right answers that do not lie in the second text" in text for text in messages)
    assert any("1 right answers of 7 are longer; the longest has 6" in text for text in messages)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert update_once(nlp, [*examples, long]) > 0


def test_a_head_that_always_answers_says_what_it_leaves_out(make_qa: MakeNlp) -> None:
    nlp = make_qa(no_answer=False)
    with pytest.warns(UserWarning, match=r"leaves out questions that have no answer"):
        nlp.initialize(lambda: make_examples(nlp, unanswerable=True))
    doc = nlp(make_pair_doc(nlp, *UNANSWERABLE[:2]))
    assert len(doc.spans["answers"]) == 1
    assert "no_answer" not in doc.spans["answers"].attrs
    nlp = make_qa(no_answer=True)
    nlp.initialize(lambda: make_examples(nlp))
    assert "no_answer" in nlp(make_docs(nlp)[0]).spans["answers"].attrs


def test_other_tokens_than_the_annotated_ones(trained: Language) -> None:
    """Answers are learned in the tokens of the pipeline."""
    predicted = make_pair_doc(trained, "find music", "hello london")
    words = ["find", "music", "hel", "lo", "lon", "don"]
    reference = Doc(trained.vocab, words=words, spaces=[True, True, False, True, False, False])
    reference.spans["pair"] = [reference[:2], reference[2:]]
    reference.spans["gold_answers"] = [reference[4:6]]
    same = make_example(trained, "find music", "hello london", [(1, 2)])
    batches = [Example(predicted, reference)], [same]
    losses = [trained.update(batch, sgd=False)["bert_qa"] for batch in batches]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


# Bad input


def test_a_doc_that_is_no_pair(trained: Language) -> None:
    with pytest.raises(DataError, match=r"'bert_qa' needs Docs of a question .* Doc 0 "):
        trained("play some music")
    trained.get_pipe("bert_qa").require_pairs = False
    docs = list(trained.pipe([trained.make_doc("play some music"), make_docs(trained)[0]]))
    assert "answers" not in docs[0].spans
    assert len(docs[1].spans["answers"]) == 1


def test_one_bad_doc_takes_no_other_along(trained: Language) -> None:
    seen: list[str] = []
    trained.set_error_handler(lambda name, pipe, docs, error: seen.append(str(error)))
    docs = [make_docs(trained)[0], trained.make_doc("play some music"), make_docs(trained)[1]]
    assert [len(doc.spans["answers"]) for doc in trained.pipe(docs)] == [1, 1]
    assert len(seen) == 1


@pytest.mark.parametrize("texts", [("", HOUSE), ("find music", "")])
def test_an_empty_question_or_context_is_refused(nlp: Language, texts: tuple[str, str]) -> None:
    with pytest.raises(DataError, match="two texts with at least one token each"):
        make_pair_doc(nlp, *texts)


def test_no_questions_is_an_error(make_qa: MakeNlp) -> None:
    nlp = make_qa()
    with pytest.raises(DataError, match="found no question to learn from"):
        nlp.initialize(lambda: [make_example(nlp, *QUESTIONS[0], None)])
    nlp = make_qa(require_pairs=False)
    nlp.initialize(lambda: [make_example(nlp, *QUESTIONS[0], None)])
    assert len(nlp(make_docs(nlp)[0]).spans["answers"]) == 1


def test_one_side_that_knows_of_no_pair(trained: Language) -> None:
    """spaCy's own corpus reader makes such examples."""
    example = make_examples(trained)[0]
    bad = Example(trained.make_doc(example.reference.text), example.reference)
    with pytest.raises(DataError, match="read as one"):
        trained.update([bad], sgd=False)


@pytest.mark.parametrize(
    "config",
    [
        {"top_k": 0},
        {"max_answer_tokens": 0},
        {"model": {"hidden_width": -1}},
        {"model": {"activation": "loud"}},
    ],
    ids=str,
)
def test_impossible_settings_are_refused(make_qa: MakeNlp, config: dict[str, Any]) -> None:
    name = next(iter(config.get("model", config)))
    with pytest.raises(SettingError, match=name):
        make_qa(**config)


def test_thresholds_are_finite(trained: Language) -> None:
    pipe = trained.get_pipe("bert_qa")
    with pytest.raises(SettingError, match="threshold"):
        type(pipe)(pipe.vocab, pipe.model, threshold=float("inf"))


def test_answers_have_no_labels(trained: Language) -> None:
    with pytest.raises(SettingError, match="has no labels"):
        trained.get_pipe("bert_qa").add_label("PLACE")


def test_prediction_before_initialisation_is_an_error(make_qa: MakeNlp) -> None:
    nlp = make_qa()
    nlp.get_pipe("bert_transformer").initialize()
    with pytest.raises(ListenerError, match="no weights yet"):
        nlp(make_docs(nlp)[0])


# Many questions


def test_many_questions_share_the_tokens_of_a_context(trained: Language) -> None:
    made: list[str] = []
    tokenizer = trained.tokenizer
    trained.tokenizer = lambda text: made.append(text) or tokenizer(text)  # type: ignore[func-returns-value]
    asked = [question for question, context in QUESTIONS if context == HOUSE]
    docs = list(make_question_docs(trained, HOUSE, asked))
    assert made == [HOUSE, *asked]
    expected = [make_pair_doc(trained, question, HOUSE) for question in asked]
    assert [doc.text for doc in docs] == [doc.text for doc in expected]
    found = [read(doc) for doc in trained.pipe(docs)]
    assert found == [near(read(doc)) for doc in trained.pipe(expected)]
    assert list(make_question_docs(trained, HOUSE, [])) == []


# Calibration


def run_upstream(nlp: Language, examples: list[Example]) -> list[Example]:
    encoder = nlp.get_pipe("bert_transformer")
    return [Example(encoder(eg.predicted), eg.reference) for eg in examples]


def test_calibration_makes_confidences_honest(trained: Language, tmp_path: Path) -> None:
    pipe = trained.get_pipe("bert_qa")
    before = read(trained(make_docs(trained)[0]))
    # In other people's eyes half of what it finds is wrong: it should be less sure.
    rows = [(q, c, gold if i % 2 else [(0, 1)]) for i, (q, c, gold) in enumerate(TRAIN * 10)]
    examples = [make_example(trained, *row) for row in rows]
    report = pipe.fit_calibration(run_upstream(trained, examples))
    assert report["n_questions"] == 40
    assert report["ece_after"] < min(report["ece_before"], 0.05)
    after = read(trained(make_docs(trained)[0]))
    assert after[0][0] == before[0][0]
    assert after[0][1] == pytest.approx(0.5, abs=0.1)
    trained.to_disk(tmp_path / "model")
    loaded = spacy.load(tmp_path / "model")
    assert read(loaded(make_docs(loaded)[0])) == after
    assert pipe.fit_calibration([]) == {}


def test_calibration_finds_when_to_give_no_answer(trained: Language) -> None:
    pipe = trained.get_pipe("bert_qa")
    # Nothing that it is less sure of than of the best of its answers is right.
    margins = [doc.spans["answers"].attrs["margin"] for doc in trained.pipe(make_docs(trained))]
    best = int(np.argmin(margins))
    rows = [(q, c, gold if i == best else []) for i, (q, c, gold) in enumerate(TRAIN)]
    examples = run_upstream(trained, [make_example(trained, *row) for row in rows])
    pipe.fit_calibration(examples)
    assert pipe.cfg["threshold"] is None
    report = pipe.fit_calibration(examples, tune_thresholds=True)
    assert report["threshold"] == pipe.cfg["threshold"]
    assert min(margins) < pipe.cfg["threshold"] < sorted(margins)[1]
    found = [bool(read(doc)) for doc in trained.pipe(make_docs(trained))]
    assert found == [i == best for i in range(4)]


def test_calibration_of_pipelines_keeps_pairs(trained: Language) -> None:
    from spacy_bert_plugin.pipeline.calibration import calibrate

    report = calibrate(trained, lambda: make_examples(trained) * 10)
    assert report["bert_qa"]["n_questions"] == 40


# The checks of docs/robustness.md


def test_the_checks_pass_on_docs_that_are_no_pairs(make_qa: MakeNlp, trained_path: Path) -> None:
    settings = {"components": {"bert_qa": {"require_pairs": False}}}
    nlp = spacy.load(trained_path, config=settings)
    failed = [r for r in check_component(nlp, rows=[1, 2, 13, 16, 36, 89]) if r.status == "failed"]
    assert failed == []


def test_gold_survives_bytes(nlp: Language) -> None:
    doc = make_examples(nlp)[0].reference
    doc.spans["gold_answers"] = SpanGroup(
        doc, spans=list(doc.spans["gold_answers"]), attrs={"texts": ["ong stree"], "id": "7"}
    )
    again = next(DocBin().from_bytes(DocBin(docs=[doc]).to_bytes()).get_docs(nlp.vocab))
    assert again.spans["gold_answers"].attrs == {"texts": ["ong stree"], "id": "7"}
    assert again.spans["gold_answers"][0].text == "long street"

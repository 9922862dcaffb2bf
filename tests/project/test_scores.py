"""What evaluation and report compute."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import evaluate_pipeline
import predictions
import pytest
import spacy
import srsly
import write_report
from spacy.training import Example

NLP = spacy.blank("en")
Spans = Sequence[tuple[int, int, str]]


def make_example(
    text: str, *, gold: str | None, guess: str, ents: Spans = (), guessed: Spans = ()
) -> Example:
    """An example whose labels of texts are among a and b; no gold label where `gold` is None."""
    cats = {} if gold is None else {name: float(name in gold) for name in "ab"}
    example = Example.from_dict(NLP.make_doc(text), {"cats": cats, "entities": list(ents)})
    example.predicted.cats = {name: 0.9 if name in guess else 0.1 for name in "ab"} if guess else {}
    example.predicted.set_ents(
        [example.predicted.char_span(s, e, label=label) for s, e, label in guessed]
    )
    return example


@pytest.fixture
def examples() -> list[Example]:
    return [
        make_example(
            "open the door", gold="a", guess="a", ents=[(9, 13, "X")], guessed=[(9, 13, "X")]
        ),
        make_example(
            "open the window", gold="a", guess="b", ents=[(9, 15, "X")], guessed=[(9, 15, "Y")]
        ),
        make_example("no", gold="b", guess="b"),
    ]


def test_confusion(examples: list[Example]) -> None:
    counts = predictions.count_confusion(examples)
    assert counts == {("a", "a"): 1, ("a", "b"): 1, ("b", "b"): 1}
    (confusion,) = write_report.make_confusions(examples)
    assert confusion.labels == ("a", "b")
    assert confusion.counts == ((1, 1), (0, 1))


@pytest.mark.parametrize(("gold", "guess"), [("ab", "a"), ("", "a"), (None, "a"), ("a", "")])
def test_no_confusion_without_one_label_each(gold: str | None, guess: str) -> None:
    one = make_example("x", gold=gold, guess=guess)
    assert predictions.count_confusion([one]) is None
    assert write_report.make_confusions([one]) == ()
    assert predictions.count_confusion([]) is None


def test_accuracy(examples: list[Example]) -> None:
    scores = predictions.score(predictions.Predictions(NLP, examples, seconds=2.0))
    assert scores["cats_acc"] == pytest.approx(2 / 3)
    assert scores["speed"] == pytest.approx(3.5)
    # Three best labels of 0.9 each, two of them right
    assert scores["cats_ece"] == pytest.approx(0.9 - 2 / 3)
    empty = predictions.score(predictions.Predictions(NLP, [], seconds=0.0))
    assert not {"cats_acc", "cats_ece", "ents_ece"} & set(empty)


def test_sentences(examples: list[Example]) -> None:
    right, wrong, short = map(write_report.make_sentence, examples)
    assert right.is_right
    assert short.is_right
    assert not wrong.is_right
    assert (wrong.gold_label, wrong.predicted_label) == ("a", "b")
    assert [span.is_right for span in (*wrong.gold, *wrong.predicted)] == [False, False]


def test_several_labels_in_a_sentence() -> None:
    halves = {"a": 0.5, "b": 0.5}
    both = write_report.make_sentence(make_example("x", gold="ab", guess="ab"), halves)
    assert both.is_right
    assert both.gold_label == "a, b"
    none = write_report.make_sentence(make_example("x", gold="", guess="b"), halves)
    assert (none.is_right, none.gold_label, none.predicted_label) == (False, "", "b")
    # 0.9 and 0.1, at thresholds that were found
    shy = write_report.make_sentence(make_example("x", gold="b", guess="a"), {"a": 0.95, "b": 0.05})
    assert (shy.is_right, shy.predicted_label) == (True, "b")


def test_errors_come_first(examples: list[Example]) -> None:
    sentences = [write_report.make_sentence(example) for example in examples]
    shown, note = write_report.choose_sentences(sentences, 2)
    assert [sentence.is_right for sentence in shown] == [False, True]
    assert note.startswith("1 of 3 have an error")
    assert write_report.choose_sentences([], 5)[0] == ()
    many, _ = write_report.choose_sentences(sentences[1:2] * 9 + sentences[:1], 6)
    assert len(many) == 6


def test_tables(examples: list[Example]) -> None:
    perfect, none = {"p": 1.0, "r": 1.0, "f": 1.0}, {"p": 0.0, "r": 0.0, "f": 0.0}
    scores = {"ents_per_type": {"Y": none, "X": perfect}, "cats_f_per_type": None}
    (table,) = write_report.make_tables(scores, examples)
    assert [(row.label, row.n, row.f) for row in table.rows] == [("X", 2, 1.0), ("Y", 0, 0.0)]


def make_row(step: int, *, epoch: int, loss: float, f: float) -> dict[str, Any]:
    """A line of the log of `spacy bert train`."""
    return {
        "epoch": epoch,
        "step": step,
        "losses": {"bert_ner": loss},
        "scores": {"ents_f": f, "speed": 9.0},
        "score": f / 100,
        "words": 100,
        "seconds": 3 * step,
        "batches": max(step, 1),
        "learn_rate": 1e-4,
        "words_per_second": 50.0,
    }


def test_charts(tmp_path: Path) -> None:
    nlp = spacy.blank("en", config={"training": {"score_weights": {"ents_f": 1.0, "x": None}}})
    rows = [make_row(0, epoch=0, loss=5.0, f=1.0), make_row(10, epoch=1, loss=20.0, f=60.0)]
    srsly.write_jsonl(tmp_path / "log.jsonl", rows)
    scores, *_, loss = write_report.make_charts(tmp_path / "log.jsonl", nlp)
    assert [(curve.name, curve.ys) for curve in scores.curves] == [("ents_f", (1.0, 60.0))]
    assert loss.title == "Loss of bert_ner, a batch"
    assert (loss.curves[0].xs, loss.curves[0].ys) == ((0.0, 10.0), (5.0, 2.0))
    run = evaluate_pipeline.read_run(tmp_path)
    assert run == {"epochs": 2, "steps": 10, "minutes": 0.5}


def test_without_a_log(tmp_path: Path) -> None:
    assert write_report.make_charts(tmp_path / "log.jsonl", NLP) == ()
    assert evaluate_pipeline.read_run(tmp_path) == {}
    (tmp_path / "log.jsonl").write_text("")
    assert write_report.make_charts(tmp_path / "log.jsonl", NLP) == ()
    assert evaluate_pipeline.read_run(tmp_path) == {}


def test_missing_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        evaluate_pipeline.main(tmp_path / "none", tmp_path, tmp_path / "out.json")
    assert "There is no" in capsys.readouterr().out

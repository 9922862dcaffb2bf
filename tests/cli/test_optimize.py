"""`spacy-bert optimize` as a user runs it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
import torch
from spacy.tokens import DocBin
from spacy.training import Example

from spacy_bert_plugin.cli.measure.agreement import Agreement
from spacy_bert_plugin.cli.measure.spread import Spread
from spacy_bert_plugin.cli.optimize import list_warnings
from spacy_bert_plugin.cli.optimize_model import Limits, Report, optimize_model
from spacy_bert_plugin.cli.optimize_table import list_rows
from spacy_bert_plugin.compression import Likeness
from spacy_bert_plugin.errors import SettingError

RunT = Callable[..., Any]
TRAIN = [
    ("play some music", "PLAY"),
    ("book a table", "BOOK"),
    ("book two", "BOOK"),
    ("rain", "PLAY"),
]
FAST = ("--n-texts", 4, "--rounds", 1)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Path:
    """A pipeline that knows its texts by heart, and those texts in dev.spacy beside it."""
    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe("bert_transformer", config={"model": {"name": str(tiny_checkpoint), "overlap": 8}})
    nlp.add_pipe("bert_textcat")
    docs = []
    for text, label in TRAIN:
        doc = nlp.make_doc(text)
        doc.cats = {name: float(name == label) for name in ("PLAY", "BOOK")}
        docs.append(doc)
    examples = [Example(nlp.make_doc(doc.text), doc) for doc in docs]
    sgd = nlp.initialize(lambda: examples)
    sgd.learn_rate = 0.005
    for _ in range(20):
        nlp.update(examples, sgd=sgd)
    folder = tmp_path_factory.mktemp("optimize")
    nlp.to_disk(folder / "model")
    DocBin(docs=docs, store_user_data=False).to_disk(folder / "dev.spacy")
    (folder / "texts.txt").write_text("play music\n\nbook a long table\n")
    return folder / "model"


@pytest.fixture
def computes_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let bfloat16 count as computed in hardware, as it works everywhere, if slowly."""
    monkeypatch.setattr("spacy_bert_plugin.batching.precision.supports_bf16", lambda device: True)


@pytest.mark.usefixtures("computes_bf16")
def test_a_pipeline_is_written_and_compared(run: RunT, model: Path, tmp_path: Path) -> None:
    data = model.parent / "dev.spacy"
    outcome = run("optimize", model, tmp_path / "out", "--precision", "bf16", "--data", data, *FAST)
    assert outcome.code == 0
    assert "cats_score 100.00 100.00 +0.00 points" in outcome.text
    assert "precision fp32 bf16" in outcome.text
    for row in ("size on disk", "words/s", "cosine of token vectors", "same category"):
        assert f"\n{row}" in outcome.raw
    assert "example sentences" not in outcome.text
    nlp = spacy.load(tmp_path / "out")
    assert nlp.config["components"]["bert_transformer"]["precision"] == "bf16"
    assert nlp("book two").cats["BOOK"] > 0.9


def test_texts_of_ones_own_and_example_sentences(run: RunT, model: Path, tmp_path: Path) -> None:
    texts = model.parent / "texts.txt"
    outcome = run("optimize", model, tmp_path / "a", "--precision", "fp32", "--texts", texts, *FAST)
    assert outcome.code == 0
    assert "texts compared 2" in outcome.text
    assert "cosine of token vectors, mean 1.00000" in outcome.text
    assert "Nothing was scored" in outcome.text
    outcome = run("optimize", model, tmp_path / "b", "--precision", "fp32", *FAST)
    assert "texts compared 4" in outcome.text
    assert "example sentences" in outcome.text


def test_a_drop_beyond_the_bound_is_refused(
    run: RunT, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "spacy_bert_plugin.checkpoints.checkpoint.shrink_tensor",
        lambda tensor, dtype: torch.zeros_like(tensor),
    )
    data = model.parent / "dev.spacy"
    command = ("optimize", model, tmp_path / "out", "--precision", "fp32", "--data", data, *FAST)
    outcome = run(*command)
    assert outcome.code == 1
    assert "cats_score drops from 100.00 to" in outcome.text
    assert "nothing was written" in outcome.text
    assert list(tmp_path.iterdir()) == []
    assert run(*command, "--metric", "token_acc").code == 0
    assert run(*command, "--force", "--bound", 100).code == 0
    assert spacy.load(tmp_path / "out").pipe_names == ["bert_transformer", "bert_textcat"]


def test_the_original_and_what_is_there_are_safe(run: RunT, model: Path, tmp_path: Path) -> None:
    outcome = run("optimize", model, model, "--precision", "fp32", "--force")
    assert (outcome.code, "it is the folder of" in outcome.text) == (1, True)
    (tmp_path / "photos").mkdir()
    outcome = run("optimize", model, tmp_path / "photos", "--precision", "fp32")
    assert (outcome.code, "exists already" in outcome.text) == (1, True)
    outcome = run("optimize", tmp_path / "gone", tmp_path / "out", "--precision", "fp32")
    assert outcome.code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_bad_options_write_nothing(run: RunT, model: Path, tmp_path: Path) -> None:
    start = ("optimize", model, tmp_path / "out", "--precision")
    data = model.parent / "dev.spacy"
    empty = tmp_path / "empty.txt"
    empty.write_text("\n")
    for arguments, message in (
        (("int4",), "int4"),
        (("fp32", "--metric", "ents_f"), "expected --data"),
        (("fp32", "--data", data, "--metric", "ents_f", *FAST), "Cannot compare 'ents_f'"),
        (("fp32", "--skip", "down"), "int8_skip"),
        (("fp16", "--no-check", "--data", data), "Leave one of the two out"),
        (("fp32", "--texts", tmp_path / "gone.txt"), "no file"),
        (("fp32", "--texts", empty), "none"),
        (("fp32", "--bound", "-1"), "--bound"),
    ):
        outcome = run(*start, *arguments)
        assert outcome.code != 0
        assert message in outcome.text
    assert [path.name for path in tmp_path.iterdir()] == ["empty.txt"]


def test_for_another_machine(run: RunT, model: Path, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine computes fp16")
    outcome = run("optimize", model, tmp_path / "out", "--precision", "fp16")
    assert (outcome.code, "CUDA" in outcome.text) == (1, True)
    assert list(tmp_path.iterdir()) == []
    outcome = run("optimize", model, tmp_path / "out", "--precision", "fp16", "--no-check")
    assert outcome.code == 0
    assert "size on disk" in outcome.text
    assert "words/s" not in outcome.text
    assert "Nothing was run" in outcome.text
    assert spacy.load(tmp_path / "out").get_pipe("bert_transformer").model.get_dim("nO") == 32


def test_steps_are_told(model: Path, tmp_path: Path) -> None:
    steps: list[str] = []
    limits = Limits(n_texts=2, n_rounds=1, data=model.parent / "dev.spacy")
    report = optimize_model(
        str(model), tmp_path / "out", precision="fp32", limits=limits, tell=steps.append
    )
    assert [step.split()[0] for step in steps] == ["Loading", "Scoring", "Comparing"]
    assert report.n_texts == 2
    assert report.scores == {"cats_score": (1.0, 1.0)}
    assert report.sizes[0] == pytest.approx(report.sizes[1], rel=0.01)
    with pytest.raises(SettingError, match="exists already"):
        optimize_model(str(model), tmp_path / "out", precision="fp32", limits=limits)


def test_rows_and_warnings() -> None:
    report = Report(("fp32", "int8"), sizes=(2_000_000, 1_000_000), encoder_sizes=(0, 0))
    assert list_rows(report) == [
        ("precision", "fp32", "int8", ""),
        ("size on disk", "2.0 MB", "1.0 MB", "50 %"),
        ("  its encoder", "0.0 MB", "0.0 MB", "0 %"),
    ]
    assert "Nothing was run" in list_warnings(report, Limits())[0]
    rate, ratio = Spread(1000.0, 900.0, 1100.0, 1.0, 2.0), Spread(2.0, 1.75, 2.25, 1.0, 3.0)
    report.rates, report.ratio = (rate, rate), ratio
    report.scores = {"ents_f": (0.5, 0.4975)}
    report.likeness = Likeness(mean=0.99, low=0.95)
    report.n_texts = 1200
    report.agreement = Agreement(entities_f=0.5, cats_same=None, cats_difference=0.25)
    assert list_rows(report)[3:] == [
        ("words/s", "1,000 (900 to 1,100)", "1,000 (900 to 1,100)", "2.00 (1.75 to 2.25) times"),
        ("ents_f", "50.00", "49.75", "-0.25 points"),
        ("texts compared", "", "1,200", ""),
        ("cosine of token vectors, mean", "", "0.99000", ""),
        ("  one in a hundred below", "", "0.95000", ""),
        ("same entities (F)", "", "50.00 %", ""),
        ("largest change of a category", "", "0.2500", ""),
    ]
    assert list_warnings(report, Limits(data=Path("dev.spacy"))) == []

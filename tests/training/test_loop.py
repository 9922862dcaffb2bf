"""The loop is spaCy's, its output is safe, and guards stop what cannot become good."""

import io
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as train_as_spacy
from thinc.api import Config

from spacy_bert_plugin.errors import SettingError, TrainingError
from spacy_bert_plugin.training.hooks import Hooks
from spacy_bert_plugin.training.interrupt import catch_interrupt
from tests.training.tiny_runs import (
    ACTIONS,
    make_config,
    read_log,
    read_step,
    read_weights,
    run,
    write_data,
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data") / "data.spacy")


@pytest.fixture
def at_step() -> Iterator[dict[int, Callable[[Language], None]]]:
    yield ACTIONS
    ACTIONS.clear()


def use_tagger(config: Config) -> None:
    """Put a tagger in the place of spaCy's `ner`.

    `ner` draws from Python's generator in its updates. In spaCy's loop that changes the order of
    the data, in ours it does not.
    """
    listener = config["components"].pop("ner")["model"]["tok2vec"]
    model = {"@architectures": "spacy.Tagger.v2", "tok2vec": listener}
    config["components"]["tagger"] = {"factory": "tagger", "model": model}
    config["nlp"]["pipeline"] = list(config["components"])


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("plain", {"accumulate_gradient": 2, "annotating_components": ["tagger"]}),
        ("plain", {"max_epochs": 2, "max_steps": 0, "before_to_disk": None}),
        ("plain", {"patience": 5}),
        ("encoder", {}),
        ("bert_ner", {"accumulate_gradient": 2}),
    ],
)
def test_same_as_spacy(
    kind: str, settings: dict[str, Any], data: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    log = tmp_path / "spacy.jsonl"
    logger = {"@loggers": "spacy.ConsoleLogger.v3", "output_file": str(log)}
    config = make_config(kind, data, encoder=tiny_checkpoint, logger=logger, **settings)
    if kind == "encoder":
        use_tagger(config)
    nlp = init_nlp(config.copy())
    (tmp_path / "spacy").mkdir()
    train_as_spacy(nlp, tmp_path / "spacy", stdout=io.StringIO(), stderr=io.StringIO())
    config["training"]["logger"] = {"@loggers": "spacy.ConsoleLogger.v3"}
    run(config, tmp_path / "ours")
    theirs = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(theirs) >= 2
    for row, other in zip(read_log(tmp_path / "ours"), theirs, strict=True):
        for key in ("epoch", "step", "score"):
            assert row[key] == pytest.approx(other[key], abs=1e-9)
        losses = {name: row["losses"].get(name, 0.0) for name in other["losses"]}
        assert losses == pytest.approx(other["losses"], abs=1e-8)
        for name, score in other["scores"].items():
            assert row["scores"].get(name, 0.0) == pytest.approx(score, abs=1e-6)
    for name in ("model-best", "model-last"):
        weights = read_weights(tmp_path / "ours" / name)
        assert weights == read_weights(tmp_path / "spacy" / name)
        ours, spacys = (
            json.loads((tmp_path / who / name / "meta.json").read_text())["performance"]
            for who in ("ours", "spacy")
        )
        assert ours == spacys


def test_frozen_components_stay_as_they_are(data: Path, tmp_path: Path) -> None:
    run(make_config("plain", data, max_steps=4), tmp_path / "one")
    config = make_config("plain", data, max_steps=4, frozen_components=["tagger"])
    config["components"]["tagger"] = {"source": str(tmp_path / "one" / "model-best")}
    run(config, tmp_path / "two")
    (one, two) = (read_weights(tmp_path / name / "model-last") for name in ("one", "two"))
    assert one["tagger/model"] == two["tagger/model"]
    assert "tagger" not in read_log(tmp_path / "two")[-1]["losses"]
    with pytest.raises(SettingError, match="frozen_components"):
        run(make_config("plain", data), tmp_path / "two", resume=True)
    assert run(config, tmp_path / "two", resume=True).step == 4


def test_without_output(data: Path) -> None:
    rows: list[int] = []
    steps: list[int] = []
    hooks = Hooks(on_step=steps.append, on_row=lambda found: rows.append(len(found)))
    outcome = run(make_config("plain", data, max_steps=4), None, hooks=hooks)
    assert (outcome.reason, outcome.step, rows, steps) == ("steps", 4, [1, 2], [0, 1, 2, 3, 4])


def test_ends_with_the_data(data: Path) -> None:
    outcome = run(make_config("plain", data, max_steps=0, max_epochs=1), None)
    assert outcome.reason == "epochs"
    assert outcome.best is not None


def test_log_has_rates_and_speeds(data: Path, tmp_path: Path) -> None:
    run(make_config("plain", data, max_steps=4), tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [row["batches"] for row in rows] == [1, 4]
    assert all(row["words_per_second"] > 0 and row["learn_rate"] == 0.001 for row in rows)
    assert rows[0]["words"] < rows[1]["words"]


def test_state_is_saved_as_often_as_asked(data: Path, tmp_path: Path, at_step: Any) -> None:
    seen = {}
    for step in range(1, 9):
        at_step[step] = lambda nlp, step=step: seen.update({step: read_step(tmp_path)})
    run(make_config("plain", data, max_steps=8), tmp_path, save_every=3)
    assert seen == {1: 0, 2: 0, 3: 0, 4: 3, 5: 3, 6: 3, 7: 6, 8: 6}
    assert read_step(tmp_path) == 8


def poison(value: float) -> Callable[[Language], None]:
    """Spoil the weights of the text classifier."""

    def act(nlp: Language) -> None:
        for node in nlp.get_pipe("textcat").model.walk():
            for name in node.param_names:
                node.set_param(name, node.get_param(name) * 0 + value)

    return act


def test_loss_that_is_no_number_stops(data: Path, tmp_path: Path, at_step: Any) -> None:
    at_step[6] = poison(float("nan"))
    with pytest.raises(TrainingError) as caught:
        run(make_config("plain", data), tmp_path, save_every=5)
    text = str(caught.value)
    assert "stopped at step 6" in text
    assert "loss of 'textcat' is nan" in text
    assert str(tmp_path / "model-best") in text
    assert read_step(tmp_path) == 5
    for name in ("model-best", "model-last", "resume/model"):
        nlp = spacy.load(tmp_path / name)
        assert 0.0 < nlp("book a table").cats["BOOK"] < 1.0
    assert [row["step"] for row in read_log(tmp_path)] == [0, 4]


def test_gradient_that_is_no_number_stops(
    data: Path, tiny_checkpoint: Path, tmp_path: Path, at_step: Any
) -> None:
    def act(nlp: Language) -> None:
        model = nlp.get_pipe("ner").model
        (output,) = (node for node in model.walk() if node.name == "precomputable_affine")
        output.set_param("W", output.get_param("W") * 1e38)

    at_step[2] = act
    config = make_config("encoder", data, encoder=tiny_checkpoint)
    with pytest.raises(TrainingError, match="stopped at step 2"):
        run(config, tmp_path)
    assert read_step(tmp_path) == 0


def test_collapse_stops_and_replaces_nothing(data: Path, tmp_path: Path, at_step: Any) -> None:
    weights = {"cats_score": 1.0, "tag_acc": 0.0}
    config = make_config("plain", data, score_weights=weights, max_steps=20)
    scores = iter([0.9, 0.01, 0.5, 0.02, 0.01])

    def score(examples: Any, **settings: Any) -> dict[str, float]:
        return {"cats_score": next(scores)}

    for step in range(20):
        at_step[step] = lambda nlp: setattr(nlp.get_pipe("textcat"), "scorer", score)
    with pytest.raises(TrainingError) as caught:
        run(config, tmp_path / "run", save_every=1)
    text = str(caught.value)
    assert "stopped at step 16" in text  # two bad evaluations in a row, not two in all
    assert "0.0100 and 0.0200 in the last two evaluations, after 0.9000 at step 0" in text
    assert read_step(tmp_path / "run") == 11
    meta = json.loads((tmp_path / "run" / "model-last" / "meta.json").read_text())
    assert meta["performance"]["cats_score"] == 0.5


@pytest.fixture
def default_interrupt() -> Iterator[None]:
    """SIGINT raises KeyboardInterrupt, also where the tests run in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("default_interrupt")
def test_the_first_wish_to_stop_is_granted_later() -> None:
    with catch_interrupt() as interrupt:
        assert not interrupt.is_asked
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupt.is_asked
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_other_threads_train_too() -> None:
    found = []

    def work() -> None:
        with catch_interrupt() as interrupt:
            found.append(interrupt.is_asked)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [False]

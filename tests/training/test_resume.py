"""A run that was stopped anywhere and goes on is the run that was not stopped."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import spacy
import torch
from spacy.tokens import DocBin
from spacy.training.initialize import init_nlp

from spacy_bert_plugin.errors import CheckpointError, DataError, SettingError
from spacy_bert_plugin.training.hooks import Hooks
from spacy_bert_plugin.training.moments import Moments
from spacy_bert_plugin.training.plan import make_plan
from spacy_bert_plugin.training.sealed import seal
from tests.training import tiny_runs
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


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory, data: Path, tiny_checkpoint: Path
) -> dict[str, Path]:
    """Runs that nothing has interrupted, one of each kind."""
    found = {}
    for kind in tiny_runs.PIPELINES:
        found[kind] = tmp_path_factory.mktemp("finished") / kind
        run(make_config(kind, data, encoder=tiny_checkpoint), found[kind])
    return found


@pytest.fixture
def interrupt_at() -> Any:
    """Press Ctrl-C in the middle of a step."""

    def plan(step: int) -> None:
        ACTIONS[step] = lambda nlp: os.kill(os.getpid(), signal.SIGINT)

    yield plan
    ACTIONS.clear()


def assert_same(one: Path, other: Path) -> None:
    assert read_log(one) == read_log(other)
    for name in ("model-best", "model-last", "resume/model"):
        weights = read_weights(one / name)
        assert weights == read_weights(other / name)
        assert len(weights) >= 2
    states = [json.loads((path / "resume" / "state.json").read_text()) for path in (one, other)]
    for state in states:
        state["progress"].pop("seconds")
    for key in ("progress", "random", "counters"):
        assert states[0][key] == states[1][key]
    tensors = [path / "resume" / "optimizer.safetensors" for path in (one, other)]
    assert tensors[0].read_bytes() == tensors[1].read_bytes()


@pytest.mark.parametrize(
    ("kind", "step"), [("plain", 0), ("plain", 9), ("encoder", 6), ("bert_ner", 6)]
)
def test_interrupted_and_continued(
    kind: str,
    step: int,
    data: Path,
    tiny_checkpoint: Path,
    tmp_path: Path,
    finished: dict[str, Path],
    interrupt_at: Any,
) -> None:
    config = make_config(kind, data, encoder=tiny_checkpoint)
    interrupt_at(step)
    outcome = run(config, tmp_path / "run")
    assert (outcome.reason, outcome.step) == ("interrupted", step)
    assert read_step(tmp_path / "run") == step
    ACTIONS.clear()
    outcome = run(config, tmp_path / "run", resume=True)
    assert (outcome.reason, outcome.step) == ("steps", 12)
    assert_same(tmp_path / "run", finished[kind])


def test_killed_and_continued(
    data: Path, tiny_checkpoint: Path, tmp_path: Path, finished: dict[str, Path]
) -> None:
    config = make_config("encoder", data, encoder=tiny_checkpoint)
    config.to_disk(tmp_path / "config.cfg")
    arguments = [tmp_path / "config.cfg", "--output", tmp_path / "run", "--save-every", 3]
    command = ["-m", "spacy", "bert", "train", *arguments, "--code", tiny_runs.__file__]
    killed = subprocess.run(
        [sys.executable, *map(str, command)],
        env={**os.environ, tiny_runs.KILL_AT: "8"},
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert read_step(tmp_path / "run") == 6
    assert [row["step"] for row in read_log(tmp_path / "run")] == [0, 4]
    warnings: list[str] = []
    run(config, tmp_path / "run", resume=True, hooks=Hooks(warn=warnings.append))
    assert warnings == []
    assert_same(tmp_path / "run", finished["encoder"])


def test_streamed_data_goes_on_where_it_was(data: Path, tmp_path: Path, interrupt_at: Any) -> None:
    config = make_config("plain", data, max_epochs=-1)
    config["corpora"]["train"] = {"@readers": "tiny_runs.stream.v1", "path": str(data)}
    config["initialize"] = {"components": {"tagger": {"labels": ["V", "X"]}}}
    run(config, tmp_path / "whole")
    interrupt_at(7)
    run(config, tmp_path / "run")
    ACTIONS.clear()
    run(config, tmp_path / "run", resume=True)
    assert_same(tmp_path / "run", tmp_path / "whole")


def test_a_finished_run_can_be_made_longer(data: Path, tmp_path: Path) -> None:
    run(make_config("plain", data, max_steps=16), tmp_path / "whole")
    short = make_config("plain", data, max_steps=6)
    run(short, tmp_path / "run")
    before = (tmp_path / "run" / "resume").stat().st_ino
    assert run(short, tmp_path / "run", resume=True).step == 6
    assert (tmp_path / "run" / "resume").stat().st_ino == before
    longer = make_config("plain", data, max_steps=16, patience=500)
    assert run(longer, tmp_path / "run", resume=True).step == 16
    assert_same(tmp_path / "run", tmp_path / "whole")
    assert spacy.load(tmp_path / "run" / "model-best").evaluate([]) is not None


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    path = tmp_path_factory.mktemp("short") / "run"
    run(make_config("plain", data, max_steps=2), path)
    return path


def test_another_config_is_refused(data: Path, short: Path) -> None:
    config = make_config("plain", data, dropout=0.5)
    config["components"]["textcat"]["threshold"] = 0.7
    with pytest.raises(SettingError) as caught:
        run(config, short, resume=True)
    assert "training.dropout (0.2 -> 0.5)" in str(caught.value)
    assert "components.textcat.threshold" in str(caught.value)
    assert read_step(short) == 2
    with pytest.raises(SettingError, match=r"training\.max_epochs"):
        run(make_config("plain", data, max_epochs=-1), short, resume=True)


def test_other_data_is_refused(short: Path, data: Path, tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    docs = list(DocBin().from_disk(data).get_docs(nlp.vocab))
    config = make_config("plain", data)
    content = data.read_bytes()
    try:
        for doc in docs:
            doc.cats = {"PLAY": 0.0, "BOOK": 1.0}  # the texts stay as they were
        DocBin(docs=docs).to_disk(data)
        with pytest.raises(DataError, match="first 3 batches"):
            run(config, short, resume=True)
        DocBin(docs=docs[:1]).to_disk(data)
        with pytest.raises(DataError, match="first 3 batches"):
            run(make_config("plain", data, max_epochs=1), short, resume=True)
    finally:
        data.write_bytes(content)


def test_another_machine_is_a_warning(short: Path, data: Path) -> None:
    path = short / "resume" / "state.json"
    text = path.read_text()
    state = json.loads(text)
    state["environment"]["torch"] = "1.0"
    warnings: list[str] = []
    try:
        path.write_text(seal(state))
        hooks = Hooks(warn=warnings.append)
        run(make_config("plain", data, max_steps=2), short, resume=True, hooks=hooks)
    finally:
        path.write_text(text)
    assert ["torch 1.0 -> " in warning for warning in warnings] == [True]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": 2}', '{"format": 1, "progress": {"stop": 1}}']
)
def test_a_damaged_state_is_an_error(text: str, short: Path, data: Path) -> None:
    path = short / "resume" / "state.json"
    content = path.read_text()
    try:
        path.write_text(text)
        with pytest.raises(CheckpointError, match="cannot be read as the state"):
            run(make_config("plain", data), short, resume=True)
    finally:
        path.write_text(content)


def test_moments_of_another_pipeline_are_an_error(data: Path) -> None:
    nlp = init_nlp(make_config("plain", data))
    moments = Moments(nlp, make_plan(nlp).optimizer)
    counters = {"n_updates": {}, "shims": {}}
    for name in ("mom1/ner/0/W", "exp_avg/tagger/0.0/weight", "nonsense"):
        with pytest.raises(CheckpointError, match=name):
            moments.restore({name: torch.zeros(3)}, counters)
    moments.restore({}, counters)
    assert moments.collect()[0] == {}


def test_arrays_without_a_gradient_are_stepped_as_before(data: Path) -> None:
    """thinc goes on to step an array that has had a gradient once: momentum moves it."""
    weights = []
    for is_continued in (False, True):
        nlp = init_nlp(make_config("plain", data))
        optimizer = make_plan(nlp).optimizer
        model = nlp.get_pipe("textcat").model
        (node, *_) = (node for node in model.walk() if node.has_param("W"))
        node.inc_grad("W", node.get_param("W") * 0 + 1)
        model.finish_update(optimizer)
        if is_continued:
            tensors, counters = Moments(nlp, optimizer).collect()
            saved = nlp.to_bytes()
            nlp = init_nlp(make_config("plain", data)).from_bytes(saved)
            optimizer = make_plan(nlp).optimizer
            Moments(nlp, optimizer).restore(tensors, counters)
            model = nlp.get_pipe("textcat").model
            (node, *_) = (node for node in model.walk() if node.has_param("W"))
        before = node.get_param("W").copy()
        model.finish_update(optimizer)
        weights.append(node.get_param("W").copy())
        assert (weights[-1] != before).all()
    assert (weights[0] == weights[1]).all()


def test_keys_that_belong_to_nothing_are_reported(data: Path, tmp_path: Path) -> None:
    warnings: list[str] = []
    ACTIONS[2] = lambda nlp: setattr(
        nlp.get_pipe("textcat"),
        "model",
        init_nlp(make_config("plain", data)).get_pipe("textcat").model,
    )
    try:
        run(make_config("plain", data, max_steps=4), tmp_path, hooks=Hooks(warn=warnings.append))
    finally:
        ACTIONS.clear()
    assert ["belong to no component" in warning for warning in warnings] == [True]

"""A run from start to end: killed, continued, evaluated, saved."""

import errno
import json
import math
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import spacy
import torch
from confection import Config

from spacy_bert_plugin.checkpoints import load_checkpoint
from spacy_bert_plugin.errors import CheckpointError, DataError, SettingError, TrainingError
from spacy_bert_plugin.pretraining import pretrain
from spacy_bert_plugin.pretraining import run as run_module
from spacy_bert_plugin.pretraining.hooks import PretrainingHooks
from tests.pretraining.tiny_corpus import read_log

ConfigT = Callable[..., Config]


class KilledError(Exception):
    """Stands for a process that is killed."""


def kill_after(step: int) -> PretrainingHooks:
    def die(number: int, _: int) -> None:
        if number == step:
            raise KilledError(step)

    return PretrainingHooks(on_step=die)


def read_weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_checkpoint(folder, is_own=True).encoder.state_dict()


def test_a_run_from_start_to_end(config_of: ConfigT, tmp_path: Path) -> None:
    facts: dict[str, str] = {}
    read: list[str] = []
    steps: list[int] = []
    hooks = PretrainingHooks(
        on_corpus=lambda name, n: read.append(name),
        on_start=lambda found, step: facts.update(found),
        on_step=lambda step, n_pieces: steps.append(n_pieces),
    )
    outcome = pretrain(config_of(), tmp_path / "run", hooks=hooks)
    assert (outcome.step, outcome.reason) == (6, "steps")
    assert outcome.best is not None
    assert set(read) == {"train", "dev"}
    assert facts["corpus"].endswith("48 sentences, 8 documents")
    assert len(steps) == 6
    assert 100 < max(steps) <= 200
    rows = read_log(tmp_path / "run")
    assert [row["step"] for row in rows] == [3, 6]
    for row in rows:
        assert set(row["baselines"]) == {"unigram", "bigram"}
        assert row["held_out"]["n_words"] > 10
        assert row["held_out"]["n_pairs"] > 3
        assert row["pair_loss"] == pytest.approx(math.log(2), abs=0.1)
    assert rows[1]["held_out"]["word_loss"] < rows[0]["held_out"]["word_loss"]
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {"log.jsonl", "model-best", "model-last", "pieces", "resume"}


def test_held_out_text_has_a_share_of_its_own(config_of: ConfigT, tmp_path: Path) -> None:
    asked = []
    for rate, dev_rate in ((0.3, None), (0.6, 0.3), (0.6, None)):
        masking = {"pretraining__masking__rate": rate, "pretraining__masking__dev_rate": dev_rate}
        folder = tmp_path / f"{rate}-{dev_rate}"
        pretrain(config_of(pretraining__max_steps=1, **masking), folder)
        asked.append(read_log(folder)[0]["held_out"]["n_words"])
    assert asked[0] == asked[1] < asked[2]


def test_bert_transformer_takes_it_by_its_path(config_of: ConfigT, tmp_path: Path) -> None:
    pretrain(config_of(pretraining__max_steps=1), tmp_path / "run")
    nlp = spacy.blank("en")
    config = {"model": {"name": str(tmp_path / "run" / "model-last"), "overlap": 8}}
    nlp.add_pipe("bert_transformer", config=config)
    nlp.initialize()
    assert nlp("play some music").vector.shape == (32,)


@pytest.mark.parametrize("killed_at", [1, 2, 4, 5])
def test_killed_and_continued_it_learns_the_same(
    config_of: ConfigT, tmp_path: Path, killed_at: int
) -> None:
    config = config_of(pretraining__save_every=2, pretraining__next_sentence__weight=0.5)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    pretrain(config, whole)
    with pytest.raises(KilledError):
        pretrain(config, parts, hooks=kill_after(killed_at))
    torch.manual_seed(99)  # whatever happens in between
    state = parts / "resume"
    outcome = pretrain(config, parts, resume=state.exists())
    assert (outcome.step, outcome.reason) == (6, "steps")
    assert read_log(parts) == read_log(whole)
    one, two = read_weights(parts / "model-last"), read_weights(whole / "model-last")
    assert all(torch.equal(one[name], two[name]) for name in two)


def test_a_longer_run_goes_on(config_of: ConfigT, tmp_path: Path) -> None:
    stays = {"pretraining__optimizer__learn_rate": 1e-3}
    config = config_of(**stays)
    pretrain(config_of(**stays, pretraining__max_steps=4), tmp_path / "run")
    outcome = pretrain(config, tmp_path / "run", resume=True)
    assert outcome.step == 6
    pretrain(config, tmp_path / "whole")
    one, two = (
        read_weights(tmp_path / "run/model-last"),
        read_weights(tmp_path / "whole/model-last"),
    )
    assert all(torch.equal(one[name], two[name]) for name in two)
    again = pretrain(config, tmp_path / "run", resume=True)  # nothing is left to do
    assert (again.step, again.reason) == (6, "steps")


def test_batches_of_a_step_add_up_to_it(config_of: ConfigT, tmp_path: Path) -> None:
    """A step in one forward pass and in several: the same losses."""
    for batch_pieces in (32, 200):
        config = config_of(
            pretraining__batch_pieces=batch_pieces, pretraining__dropout=0.0,
            pretraining__max_steps=3,
        )  # fmt: skip
        pretrain(config, tmp_path / str(batch_pieces))
    one, two = read_log(tmp_path / "32"), read_log(tmp_path / "200")
    for name in ("word_loss", "pair_loss"):
        assert one[0][name] == pytest.approx(two[0][name], abs=1e-5)
    assert one[0]["held_out"]["word_loss"] == pytest.approx(
        two[0]["held_out"]["word_loss"], abs=1e-4
    )


def test_it_ends_with_its_epochs(config_of: ConfigT, tmp_path: Path) -> None:
    config = config_of(pretraining__max_epochs=2, pretraining__max_steps=1000)
    outcome = pretrain(config, tmp_path / "run")
    assert outcome.reason == "epochs"
    assert read_log(tmp_path / "run")[-1]["epoch"] == 1


def test_one_objective_alone(config_of: ConfigT, tmp_path: Path) -> None:
    words = config_of(pretraining__next_sentence__weight=0.0, pretraining__dev_corpus=None)
    pretrain(words, tmp_path / "words")
    (row, *_) = read_log(tmp_path / "words")
    assert (row["pair_loss"], row["held_out"]) == (0.0, None)
    assert not (tmp_path / "words" / "model-best").exists()
    pairs = config_of(pretraining__masking__weight=0.0)
    pretrain(pairs, tmp_path / "pairs")
    (row, *_) = read_log(tmp_path / "pairs")
    assert (row["word_loss"], row["held_out"]["n_words"]) == (0.0, 0)
    assert json.loads((tmp_path / "words/model-last/config.json").read_text())["architectures"] == [
        "BertForMaskedLM"
    ]


def test_it_goes_on_from_a_checkpoint(
    config_of: ConfigT, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    config = config_of(
        paths__tokenizer=None, pretraining__encoder__name=str(tiny_checkpoint),
        pretraining__optimizer__learn_rate=1e-6, pretraining__max_steps=1,
    )  # fmt: skip
    pretrain(config, tmp_path / "run")
    before = load_checkpoint(tiny_checkpoint).encoder.state_dict()
    after = read_weights(tmp_path / "run" / "model-last")
    for name, value in before.items():
        torch.testing.assert_close(after[name], value, atol=1e-4, rtol=0.0)
    pretrain(
        config_of(
            paths__tokenizer=None, pretraining__max_steps=1,
            pretraining__encoder__name=str(tmp_path / "run" / "model-last"),
        ),
        tmp_path / "more",
    )  # fmt: skip


def test_the_corpus_is_read_once(config_of: ConfigT, tmp_path: Path) -> None:
    config = config_of(pretraining__save_every=1)
    with pytest.raises(KilledError):
        pretrain(config, tmp_path / "run", hooks=kill_after(4))
    read: list[str] = []
    hooks = PretrainingHooks(on_corpus=lambda name, n: read.append(name))
    pretrain(config, tmp_path / "run", resume=True, hooks=hooks)
    assert read == []


def test_another_corpus_or_config_is_refused(config_of: ConfigT, tmp_path: Path) -> None:
    pretrain(config_of(pretraining__max_steps=2), tmp_path / "run")
    with pytest.raises(SettingError, match=r"pretraining.masking.rate \(0.15 -> 0.2\)"):
        pretrain(config_of(pretraining__masking__rate=0.2), tmp_path / "run", resume=True)
    same = config_of(pretraining__max_steps=2)
    with open(tmp_path / "train.txt", "a", encoding="utf8") as stream:
        stream.write("\nnew york is good\n")
    with pytest.raises(CheckpointError, match="corpus is not the one"):
        pretrain(same, tmp_path / "run", resume=True)
    (tmp_path / "run" / "resume" / "state.json").write_text("[]", encoding="utf8")
    with pytest.raises(CheckpointError, match="cannot be read"):
        pretrain(same, tmp_path / "run", resume=True)


def test_a_full_disk_loses_nothing(
    config_of: ConfigT, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_of(pretraining__save_every=1)
    with pytest.raises(KilledError):
        pretrain(config, tmp_path / "run", hooks=kill_after(5))
    before = read_weights(tmp_path / "run" / "model-best")

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("spacy_bert_plugin.training.sealed.save_file", fail)
        with pytest.raises(CheckpointError, match=r"No space left.*model-best.*--resume"):
            pretrain(config, tmp_path / "run", resume=True)
    with monkeypatch.context() as patch:
        patch.setattr("spacy_bert_plugin.checkpoints.atomic._write_file", fail)
        with pytest.raises(CheckpointError, match="The checkpoint could not be written"):
            pretrain(config, tmp_path / "run", resume=True)
    after = read_weights(tmp_path / "run" / "model-best")
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert pretrain(config, tmp_path / "run", resume=True).step == 6
    assert not [p for p in (tmp_path / "run").iterdir() if p.name.startswith(".")]


def test_a_loss_that_is_not_finite_replaces_nothing(
    config_of: ConfigT, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_of(pretraining__eval_frequency=2)
    real = run_module.evaluate

    def spoil(model: Any, *args: Any, **settings: Any) -> Any:
        found = real(model, *args, **settings)
        n_calls.append(1)
        return replace(found, word_loss=math.nan) if len(n_calls) > 1 else found

    n_calls: list[int] = []
    monkeypatch.setattr(run_module, "evaluate", spoil)
    with pytest.raises(TrainingError, match="nan at step 4"):
        pretrain(config, tmp_path / "run")
    state = json.loads((tmp_path / "run" / "resume" / "state.json").read_text())
    assert state["progress"]["step"] == 2


@pytest.mark.parametrize(
    ("overrides", "error", "match"),
    [
        ({"paths__tokenizer": None}, SettingError, "'tokenizer'"),
        ({"pretraining__max_pieces": 65}, SettingError, "max_pieces"),
        ({"pretraining__max_steps": 0}, SettingError, "max_steps"),
        ({"pretraining__step_pieces": 0}, SettingError, "step_pieces"),
        ({"pretraining__dropout": 1.0}, SettingError, "dropout"),
        ({"pretraining__precision": "fp16"}, SettingError, "precision"),
        ({"pretraining__save_minutes": -1.0}, SettingError, "save_minutes"),
        ({"pretraining__masking__unit": "texts"}, SettingError, "unit"),
        ({"pretraining__masking__rate": "high"}, SettingError, "pretraining.masking"),
        (
            {
                "pretraining__encoder__family": "roberta",
                "pretraining__encoder__sizes__position_offset": 1,
            },
            SettingError,
            "next-sentence.*'roberta'",
        ),
        ({"pretraining__corpus": "corpora.none"}, SettingError, "corpora.none"),
        ({"paths__train": None}, SettingError, "'path' is not set"),
        ({"paths__train": "none.txt"}, DataError, "no file or folder"),
        ({"corpora__train__documents": "file"}, SettingError, "other documents"),
        ({"corpora__train__documents": "lines"}, SettingError, "no document has two"),
        (
            {"pretraining__masking__weight": 0.0, "pretraining__next_sentence__weight": 0.0},
            SettingError,
            "Both objectives",
        ),
    ],
)
def test_bad_settings(
    config_of: ConfigT, tmp_path: Path, overrides: dict[str, Any], error: Any, match: str
) -> None:
    with pytest.raises(error, match=match):
        pretrain(config_of(**overrides), tmp_path / "run")
    assert not (tmp_path / "run" / "model-last").exists()


def test_configs_that_lack_or_add_something(config_of: ConfigT, tmp_path: Path) -> None:
    config = config_of()
    config["pretraining"]["masking"]["share"] = 0.1
    with pytest.raises(SettingError, match=r"'share'.*rate"):
        pretrain(config, tmp_path / "run")
    config = config_of()
    config["pretraining"]["optimizer"] = {"@optimizers": "Adam.v1"}
    with pytest.raises(SettingError, match="step_torch"):
        pretrain(config, tmp_path / "run")
    for name in ("optimizer", None):
        config = config_of()
        del (config["pretraining"] if name else config)[name or "pretraining"]
        with pytest.raises(SettingError, match="missing"):
            pretrain(config, tmp_path / "run")


def test_a_tokenizer_of_another_checkpoint(
    config_of: ConfigT, tiny_checkpoint: Path, tmp_path: Path, tokenizer_json: str
) -> None:
    data = json.loads(tokenizer_json)
    vocab = data["model"]["vocab"]
    vocab["hello"], vocab["world"] = vocab["world"], vocab["hello"]
    (tmp_path / "other.json").write_text(json.dumps(data), encoding="utf8")
    vocab["more"] = len(vocab)
    (tmp_path / "larger.json").write_text(json.dumps(data), encoding="utf8")
    for name, match in (("other", r"piece \d+ is 'world'"), ("larger", "159 pieces")):
        config = config_of(
            paths__tokenizer=str(tmp_path / f"{name}.json"),
            pretraining__encoder__name=str(tiny_checkpoint),
        )
        with pytest.raises(SettingError, match=match):
            pretrain(config, tmp_path / "run")


def test_a_new_encoder_may_learn_fast(config_of: ConfigT, tmp_path: Path) -> None:
    config = config_of(pretraining__optimizer__learn_rate=2e-3, pretraining__max_steps=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pretrain(config, tmp_path / "run")

"""Saving: all of the new model or all of the old one. Building from sizes."""

import builtins
import copy
import errno
import itertools
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_checkpoints import (
    SIZES,
    is_equal,
    make_checkpoint,
    make_tokenizer,
)

from spacy_bert_plugin.checkpoints import (
    LoadedCheckpoint,
    build_checkpoint,
    checkpoint_from_bytes,
    checkpoint_to_bytes,
    load_checkpoint,
    save_checkpoint,
)
from spacy_bert_plugin.checkpoints import checkpoint as checkpoint_module
from spacy_bert_plugin.checkpoints.config_json import parse_config
from spacy_bert_plugin.encoder import EncoderConfig
from spacy_bert_plugin.errors import CheckpointError, SettingError


def test_weights_that_are_not_finite_are_not_saved(own_folder: Path) -> None:
    loaded = load_checkpoint(own_folder, is_own=True)
    before = {path.name: path.read_bytes() for path in own_folder.iterdir()}
    broken = loaded.copy()
    with torch.no_grad():
        dict(broken.encoder.named_parameters())["pooler.bias"][3] = float("nan")
    with pytest.raises(CheckpointError, match=r"'pooler\.dense\.bias'.*NaN"):
        save_checkpoint(broken, own_folder)
    with pytest.raises(CheckpointError, match=r"'pooler\.dense\.bias'.*NaN"):
        checkpoint_to_bytes(broken)
    assert {path.name: path.read_bytes() for path in own_folder.iterdir()} == before


@pytest.mark.parametrize("lasts", [False, True])
def test_whichever_call_fails_one_model_loads(tmp_path: Path, lasts: bool) -> None:
    old, new = make_checkpoint(seed=1), make_checkpoint(seed=2)
    for n in itertools.count(1):
        target = tmp_path / str(n)
        save_checkpoint(old, target)
        calls = [0]

        def fail(function: Callable[..., Any], calls: list[int] = calls, n: int = n) -> Any:
            def call(*args: Any, **kwargs: Any) -> Any:
                calls[0] += 1
                if calls[0] == n or (lasts and calls[0] > n):
                    raise OSError(errno.EIO, "Input/output error")
                return function(*args, **kwargs)

            return call

        with pytest.MonkeyPatch.context() as patch:
            for owner, name in ((os, "replace"), (os, "fsync"), (builtins, "open")):
                patch.setattr(owner, name, fail(getattr(owner, name)))
            try:
                save_checkpoint(new, target)
            except CheckpointError:
                failed = True
            else:
                failed = False
        loaded = load_checkpoint(target, is_own=True)
        assert is_equal(loaded, old) or is_equal(loaded, new)
        assert failed or is_equal(loaded, new)
        if calls[0] < n:
            break
    assert n > 8


def test_a_model_saved_while_it_is_read(own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of two models are never mixed: the reader notices and reads the new one."""
    new = make_checkpoint(seed=5)
    saved: list[bool] = []

    def save_meanwhile(*args: Any, **kwargs: Any) -> Any:
        if not saved:
            saved.append(True)
            save_checkpoint(new, own_folder)
        return parse_config(*args, **kwargs)

    monkeypatch.setattr(checkpoint_module, "parse_config", save_meanwhile)
    assert is_equal(load_checkpoint(own_folder, is_own=True), new)
    assert saved


def test_models_read_while_others_are_saved(tmp_path: Path) -> None:
    models = [make_checkpoint(seed=seed) for seed in range(3)]
    target = tmp_path / "model"
    save_checkpoint(models[0], target)
    errors: list[BaseException] = []

    def save(model: LoadedCheckpoint) -> None:
        try:
            for _ in range(8):
                save_checkpoint(model, target)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=save, args=(model,)) for model in models[1:]]
    for thread in threads:
        thread.start()
    n_read = 0
    while any(thread.is_alive() for thread in threads) or not n_read:
        loaded = load_checkpoint(target, is_own=True)
        assert any(is_equal(loaded, model) for model in models)
        n_read += 1
    for thread in threads:
        thread.join()
    assert errors == []
    assert os.listdir(tmp_path) == ["model"]


def test_build_from_sizes() -> None:
    tokenizer = make_tokenizer()
    torch.manual_seed(3)
    built = build_checkpoint(SIZES, tokenizer)
    assert built.encoder.config.vocab_size == tokenizer.vocab_size
    assert built.encoder.config.use_pooler
    torch.manual_seed(3)
    sizes = built.config.encoder
    assert sizes is not None
    assert is_equal(built, build_checkpoint(sizes, tokenizer))
    assert not is_equal(built, build_checkpoint(sizes, tokenizer))
    assert copy.deepcopy(built.config) == built.config


def test_build_with_a_tokenizer_that_does_not_fit() -> None:
    tokenizer = make_tokenizer()
    with pytest.raises(CheckpointError, match="ids up to"):
        build_checkpoint({**SIZES, "vocab_size": tokenizer.vocab_size - 1}, tokenizer)
    with pytest.raises(SettingError, match="'width'"):
        build_checkpoint({**SIZES, "width": 0}, tokenizer)
    with pytest.raises(SettingError, match="position_offset"):
        build_checkpoint(SIZES, tokenizer, family="roberta")


def test_build_takes_a_config() -> None:
    sizes = EncoderConfig(
        vocab_size=100,
        width=4,
        n_layers=1,
        n_heads=1,
        hidden_width=4,
        n_positions=8,
        n_segments=1,
        embedding_width=4,
        activation="gelu_tanh",
        use_pooler=False,
    )
    built = build_checkpoint(sizes, make_tokenizer())
    assert built.encoder.config == sizes
    assert checkpoint_from_bytes(checkpoint_to_bytes(built)).encoder.config == sizes

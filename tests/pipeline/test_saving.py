"""Saved by one process, loaded by another: the same output."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.language import Language

from spacy_bert_plugin.errors import CheckpointError
from tests.pipeline.conftest import TRAIN, make_examples

MakeNlp = Callable[..., Language]
TEXTS = [text for text, _ in TRAIN]

LOAD = """
import json, socket, sys
def refuse(*args, **kwargs):
    raise OSError("no network in this test")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
import spacy
nlp = spacy.load(sys.argv[1])
docs = list(nlp.pipe(json.loads(sys.argv[2])))
print(json.dumps([[d.cats, [[e.text, e.label_] for e in d.ents], d.vector.tolist()] for d in docs]))
print(json.dumps("transformers" in sys.modules))
"""


def train(nlp: Language) -> None:
    optimizer = nlp.create_optimizer()
    for _ in range(5):
        nlp.update(make_examples(nlp), sgd=optimizer)


def describe(nlp: Language) -> list[object]:
    return [
        [d.cats, [[e.text, e.label_] for e in d.ents], d.vector.tolist()] for d in nlp.pipe(TEXTS)
    ]


def test_another_process_gives_the_same_without_network_or_transformers(
    nlp: Language, tmp_path: Path
) -> None:
    train(nlp)
    nlp.to_disk(tmp_path / "model")
    result = subprocess.run(
        [sys.executable, "-c", LOAD, str(tmp_path / "model"), json.dumps(TEXTS)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert json.loads(lines[-2]) == json.loads(json.dumps(describe(nlp)))
    if importlib.util.find_spec("spacy_transformers") is None:  # it imports transformers by itself
        assert json.loads(lines[-1]) is False


def test_encoder_folder_opens_with_transformers(nlp: Language, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    train(nlp)
    nlp.to_disk(tmp_path / "model")
    folder = tmp_path / "model" / "bert_transformer"
    reference = AutoModel.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with torch.inference_mode():
        hidden = reference(**tokenizer("the house in paris", return_tensors="pt")).last_hidden_state
    (item,) = nlp.get_pipe("bert_transformer").predict([nlp.make_doc("the house in paris")])
    np.testing.assert_allclose(item.outputs["tokens"], hidden[0, 1:-1].numpy(), atol=1e-5)


def test_moved_pipeline_does_not_need_the_checkpoint_it_began_with(
    tmp_path: Path, tiny_checkpoint: Path, make_nlp: MakeNlp
) -> None:
    import shutil

    shutil.copytree(tiny_checkpoint, tmp_path / "start")
    nlp = make_nlp(model={"name": str(tmp_path / "start")})
    nlp.initialize(lambda: make_examples(nlp))
    nlp.to_disk(tmp_path / "a")
    expected = describe(nlp)
    shutil.rmtree(tmp_path / "start")
    shutil.move(tmp_path / "a", tmp_path / "b")
    assert describe(spacy.load(tmp_path / "b")) == expected


def test_bytes_round_trip(nlp: Language, make_nlp: MakeNlp) -> None:
    train(nlp)
    other = make_nlp().from_bytes(nlp.to_bytes())
    assert describe(other) == describe(nlp)


def test_loaded_pipeline_trains_on(nlp: Language, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path / "model")
    loaded = spacy.load(tmp_path / "model")
    before = describe(loaded)
    train(loaded)
    assert describe(loaded) != before


def test_saving_twice_gives_the_newer_model(nlp: Language, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path / "model")
    train(nlp)
    nlp.to_disk(tmp_path / "model")
    assert describe(spacy.load(tmp_path / "model")) == describe(nlp)


def test_pipeline_without_weights_can_be_saved(make_nlp: MakeNlp, tmp_path: Path) -> None:
    make_nlp(heads=False).to_disk(tmp_path / "model")
    loaded = spacy.load(tmp_path / "model")
    loaded.initialize()
    assert loaded("the house").vector.any()
    loaded.to_disk(tmp_path / "model")
    assert spacy.load(tmp_path / "model")("the house").vector.any()


def test_missing_encoder_folder_is_an_error(nlp: Language, tmp_path: Path) -> None:
    import shutil

    nlp.to_disk(tmp_path / "model")
    shutil.rmtree(tmp_path / "model" / "bert_transformer")
    with pytest.raises(CheckpointError, match="bert_transformer"):
        spacy.load(tmp_path / "model")


def test_swapped_tokenizer_is_an_error(nlp: Language, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path / "model")
    path = tmp_path / "model" / "bert_transformer" / "tokenizer.json"
    path.write_text(path.read_text().replace('"house"', '"mouse"'))
    with pytest.raises(CheckpointError, match=r"tokenizer\.json"):
        spacy.load(tmp_path / "model")


def test_copy_and_pickle_give_equal_outputs(nlp: Language) -> None:
    import copy

    copied = copy.deepcopy(nlp)
    assert describe(copied) == describe(nlp)
    train(copied)
    assert describe(copied) != describe(nlp)


FORK = """
import os, sys
import spacy, torch
torch.set_num_threads(2)
nlp = spacy.load(sys.argv[1])
texts = ["play some music in the kitchen " * n for n in range(1, 30)]
expected = [doc.cats for doc in nlp.pipe(texts)]  # the parent has computed, with its threads
docs = list(nlp.pipe(texts, n_process=2, batch_size=8))
wrong = [d for d, c in zip(docs, expected) if any(abs(d.cats[k] - c[k]) > 1e-5 for k in c)]
print(len(docs), len(wrong), torch.get_num_threads())
"""


def test_processes_after_a_prediction_in_the_parent(nlp: Language, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path / "model")
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", FORK, str(tmp_path / "model")],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,  # a hang is what this test is about
    )
    assert result.stdout.split() == ["29", "0", "2"], result.stderr

"""Files made wrong at random, in the short form of benchmarks/fuzz_files.py."""

import json
import os
import random
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from fuzz_files import KINDS, Fuzzer
from mutations import REGEXES, mutate
from spacy.language import Language
from watch import Watch

from spacy_bert_plugin.errors import CheckpointError, TextError
from spacy_bert_plugin.pieces import PieceTokenizer

N_CASES = {"hub folder": 60, "own folder": 40, "transformers": 25, "heads": 5}
READERS = ("bert_ner/model", "bert_ner/cfg", "bert_textcat/model", "bert_textcat/cfg")


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_of_ours_or_a_model_that_predicts(kind: str, tmp_path: Path) -> None:
    fuzzer = Fuzzer(kind, tmp_path)
    ends: Counter[str] = Counter()
    for seed in range(N_CASES[kind]):
        end, defect = fuzzer.run(seed)
        assert not defect, f"{kind}, {defect}"
        ends[end] += 1
    assert set(ends) <= {"refused", "loaded"}
    assert ends["refused"] > 0.5 * N_CASES[kind]


def test_cases_can_be_repeated() -> None:
    data = json.dumps({"model_type": "bert", "sizes": [1, 2, 3]}).encode()
    made = [mutate(random.Random(7), data, name="config.json") for _ in range(2)]
    assert made[0] == made[1]
    assert len({mutate(random.Random(n), data, name="config.json") for n in range(50)}) > 25


def test_the_watch_hears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(tmp_path)
    (tmp_path / "evil_module.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))

    def do_import() -> None:
        __import__("evil_module")

    def do_connect() -> None:
        with socket.socket() as client:
            client.settimeout(0.1)
            client.connect_ex(("127.0.0.1", 9))

    actions: list[Callable[[], Any]] = [
        do_import,
        do_connect,
        lambda: subprocess.run([sys.executable, "-c", ""], check=True),
        lambda: (tmp_path / "new").write_text(""),
        lambda: os.mkdir(tmp_path / "folder"),
    ]
    for action in actions:
        with watch.on() as found:
            action()
        assert found, action
    with watch.on() as found:
        (tmp_path / "new").read_text()
    assert found == []


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("how", ["a bit", "cut", "longer", "missing"])
def test_files_of_heads_vouch_for_themselves(
    name: str, how: str, two_pipelines: tuple[Language, Language], tmp_path: Path
) -> None:
    nlp, _ = two_pipelines
    head, file = name.split("/")
    nlp.get_pipe(head).to_disk(tmp_path / head)
    nlp.get_pipe(head).from_disk(tmp_path / head)
    path = tmp_path / name
    data = path.read_bytes()
    middle = len(data) // 2
    changed = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
    path.write_bytes({"a bit": changed, "cut": data[:-1], "longer": data + b" "}.get(how, b""))
    if how == "missing":
        path.unlink()
    before = nlp.get_pipe(head).to_bytes()
    with pytest.raises(CheckpointError, match=file):
        nlp.get_pipe(head).from_disk(tmp_path / head)
    assert nlp.get_pipe(head).to_bytes() == before


def test_heads_saved_without_a_manifest_still_load(
    two_pipelines: tuple[Language, Language], tmp_path: Path
) -> None:
    nlp, _ = two_pipelines
    nlp.to_disk(tmp_path / "model")
    (tmp_path / "model" / "bert_ner" / "manifest.json").unlink()
    assert spacy.load(tmp_path / "model")("book a table").has_annotation("ENT_IOB")


@pytest.mark.parametrize("regex", REGEXES)
@pytest.mark.parametrize("part", ["pre_tokenizer", "normalizer"])
def test_hostile_regular_expressions_end_in_time(
    regex: str, part: str, tokenizer_json: str
) -> None:
    data = json.loads(tokenizer_json)
    pattern = {"pattern": {"Regex": regex}}
    data[part] = {
        "pre_tokenizer": {"type": "Split", **pattern, "behavior": "Isolated", "invert": False},
        "normalizer": {"type": "Replace", **pattern, "content": "a"},
    }[part]
    started = time.perf_counter()
    refused: list[str] = []
    try:
        tokenizer = PieceTokenizer.from_json(json.dumps(data))
    except CheckpointError:
        assert regex == "["
        return
    for texts in (["a" * 40 + "!"], ["a" * 40 + "!", "b"]):
        try:
            tokenizer.encode(texts)
        except TextError as error:
            refused.append(str(error))
    assert all("regular expressions" in text for text in refused)
    assert time.perf_counter() - started < 10
    assert tokenizer.encode(["b"])

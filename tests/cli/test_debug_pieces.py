from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.util import load_model_from_config

from spacy_bert_plugin.cli.debug_pieces import debug_pieces
from spacy_bert_plugin.cli.encoder_folder import open_encoder
from spacy_bert_plugin.cli.init_config import init_config
from spacy_bert_plugin.errors import CheckpointNotFoundError, SettingError

RunT = Callable[..., Any]


def test_tokens_and_pieces(tiny_checkpoint: Path) -> None:
    opened = open_encoder(tiny_checkpoint)
    (shown,) = debug_pieces(opened, ["Play  good音 [SEP]"])
    assert [row[:3] for row in shown.tokens] == [
        ["Play", "0:4", "play"],
        [r" ", "5:6", "(none: zero vector)"],
        ["good音", "6:11", "good [UNK]"],
        ["[", "12:13", "["],
        ["SEP", "13:16", "s ##e ##p"],
        ["]", "16:17", "]"],
    ]
    assert [row[4] for row in shown.tokens] == ["0", "", "0", "0", "0", "0"]
    assert "6 tokens, 8 pieces (1 unknown), 1 window(s) of at most 64 pieces" in shown.headline
    (window,) = shown.windows
    assert window[:4] == ["0", "0:8", "0:8", 10]


def test_windows_of_a_long_text(tiny_checkpoint: Path) -> None:
    opened = open_encoder(tiny_checkpoint)
    (shown,) = debug_pieces(opened, ["word " * 30], max_pieces=12, overlap=4)
    kept = [tuple(map(int, str(row[2]).split(":"))) for row in shown.windows]
    assert kept[0][0] == 0
    assert kept[-1][1] == 30
    assert [end for _, end in kept[:-1]] == [start for start, _ in kept[1:]]
    words = [row for row in shown.tokens if row[2] == "word"]
    assert [row[4] for row in words] == [
        str(i) for i, (start, end) in enumerate(kept) for _ in range(start, end)
    ]


def test_empty_texts(tiny_checkpoint: Path) -> None:
    opened = open_encoder(tiny_checkpoint)
    empty, blank = debug_pieces(opened, ["", " "])
    assert (empty.tokens, empty.windows, blank.windows) == ([], [], [])
    assert blank.tokens[0][2] == "(none: zero vector)"
    assert debug_pieces(opened, []) == []
    with pytest.raises(SettingError):
        debug_pieces(opened, ["a"], max_pieces=3)


def test_command(run: RunT, tiny_checkpoint: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("music")
    outcome = run("debug-pieces", tiny_checkpoint, "play", "--file", path)
    assert outcome.code == 0
    assert outcome.text.count("1 tokens, 1 pieces") == 2
    assert run("debug-pieces", tiny_checkpoint).code == 1
    assert run("debug-pieces", tmp_path, "play").code == 1


def test_pipelines(tiny_checkpoint: Path, tmp_path: Path) -> None:
    config = spacy.util.load_config_from_str(init_config(["ner"], encoder=str(tiny_checkpoint)))
    config["components"]["bert_transformer"]["model"]["overlap"] = 8
    nlp = load_model_from_config(config)
    nlp.select_pipes(enable=["bert_transformer"])
    nlp.get_pipe("bert_transformer").initialize(lambda: [], nlp=nlp)
    nlp.remove_pipe("ner")
    nlp.to_disk(tmp_path / "model")
    opened = open_encoder(tmp_path / "model")
    assert opened.facts["pipeline"] == "bert_transformer"
    assert opened.facts["layers"] == "2"
    assert len(debug_pieces(opened, ["play"])) == 1
    spacy.blank("en").to_disk(tmp_path / "other")
    with pytest.raises(CheckpointNotFoundError, match="neither a pipeline nor an encoder"):
        open_encoder(tmp_path / "other")

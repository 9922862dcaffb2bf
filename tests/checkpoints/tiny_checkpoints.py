"""Tiny checkpoints, built without a network and without files of anybody else."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from spacy_bert_plugin.checkpoints import LoadedCheckpoint, build_checkpoint
from spacy_bert_plugin.checkpoints.vocabularies import make_byte_bpe, make_wordpiece
from spacy_bert_plugin.pieces import PieceTokenizer

WEIGHTS = "model.safetensors"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LETTERS = [chr(code) for code in range(ord("a"), ord("z") + 1)]
PIECES = [*SPECIAL, *LETTERS, *(f"##{letter}" for letter in LETTERS), "the", "house", "."]
VOCAB_TXT = "\n".join(PIECES) + "\n"
SIZES = {"width": 8, "n_layers": 2, "n_heads": 2, "hidden_width": 12, "n_positions": 16}
ROBERTA_VOCAB = (
    '{"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "a": 4, "b": 5, "ab": 6, "<mask>": 7}'
)
ROBERTA_MERGES = "#version: 0.2\na b\n"


def make_tokenizer(family: str = "bert") -> PieceTokenizer:
    if family in ("bert", "electra", "distilbert"):
        return PieceTokenizer.from_json(make_wordpiece(VOCAB_TXT, {}, source="vocab.txt"))
    return PieceTokenizer.from_json(
        make_byte_bpe(ROBERTA_VOCAB, ROBERTA_MERGES, {}, source="folder")
    )


def make_checkpoint(family: str = "bert", *, seed: int = 0) -> LoadedCheckpoint:
    torch.manual_seed(seed)
    extra = {"embedding_width": 6} if family == "electra" else {}
    return build_checkpoint({**SIZES, **extra}, make_tokenizer(family), family=family)


def is_equal(left: LoadedCheckpoint, right: LoadedCheckpoint) -> bool:
    one, two = left.encoder.state_dict(), right.encoder.state_dict()
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def edit_weights(folder: Path, edit: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    tensors = load_file(folder / WEIGHTS)
    edit(tensors)
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


def edit_config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def split_weights(folder: Path) -> dict[str, str]:
    """Write the weights as three shards with an index."""
    tensors = load_file(folder / WEIGHTS)
    places = {n: f"model-{i % 3 + 1:05}-of-00003.safetensors" for i, n in enumerate(tensors)}
    for place in set(places.values()):
        part = {name: tensor for name, tensor in tensors.items() if places[name] == place}
        save_file(part, folder / place)
    (folder / WEIGHTS).unlink()
    write_index(folder, places)
    return places


def write_index(folder: Path, places: Any) -> None:
    index = {"metadata": {"total_size": 1}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))

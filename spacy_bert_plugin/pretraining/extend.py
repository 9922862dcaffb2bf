"""Words of a domain added to a checkpoint: each begins as the mean of its old pieces.

    before   "cytokine" -> cy ##tok ##ine         3 pieces
    after    "cytokine" -> cytokine               1 piece, its embedding the mean of the three

The idea of adding words at the mean: Hewitt (2021), https://nlp.stanford.edu/~johnhew/vocab-expansion.html
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice

import torch
from tokenizers import Tokenizer

from ..checkpoints import HubConfig, LoadedCheckpoint
from ..encoder import BertEncoder
from ..errors import Errors, SettingError
from ..heads import MaskedWordHead
from ..pieces import PieceTokenizer
from .model import PretrainingModel

N_AT_ONCE = 1_000
# Rows are written in multiples of this: matrix products of odd sizes are slower.
ROWS = 8


@dataclass(frozen=True)
class Extension:
    """Words that a vocabulary gets.

    tokenizer: The vocabulary with them.
    words: New pieces with how often they occur, the most frequent first.
    old_pieces: Ids that each was made of before.
    """

    tokenizer: PieceTokenizer
    words: tuple[tuple[str, int], ...]
    old_pieces: tuple[tuple[int, ...], ...]


def find_words(
    texts: Iterable[str], tokenizer: PieceTokenizer, *, n_words: int, min_count: int, name: str
) -> Extension:
    """Find the most frequent words that take several pieces, and add them to a vocabulary.

    texts: Lines of a corpus; read once, as a stream.
    tokenizer: Of the kind WordPiece.
    n_words: How many to add at most.
    min_count: How often a word has to occur.
    name: Of the checkpoint, for messages.
    RAISES (SettingError): The vocabulary is of another kind, or there is nothing to add.
    """
    data = json.loads(tokenizer.json)
    kind = data["model"].get("type", "of an unknown kind")
    if kind != "WordPiece":
        raise SettingError(Errors.SB821.format(name=name, got=kind))
    rust = Tokenizer.from_str(tokenizer.json)
    counts = _count_words(texts, rust)
    found: list[tuple[str, int]] = []
    pieces: list[tuple[int, ...]] = []
    for word, n in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        if n < min_count or len(found) == n_words:
            break
        ids = rust.model.tokenize(word)
        unknown = data["model"].get("unk_token")
        if len(ids) > 1 and all(piece.value != unknown for piece in ids) and word.isalnum():
            found.append((word, n))
            pieces.append(tuple(piece.id for piece in ids))
    if not found:
        raise SettingError(Errors.SB822.format(name=name, n=min_count))
    vocab = data["model"]["vocab"]
    first = tokenizer.vocab_size
    vocab.update({word: first + place for place, (word, _) in enumerate(found)})
    text = json.dumps(data, ensure_ascii=False)
    return Extension(PieceTokenizer.from_json(text), tuple(found), tuple(pieces))


@torch.no_grad()
def extend_model(model: PretrainingModel, extension: Extension) -> PretrainingModel:
    """Give an encoder, and its masked-word head, rows for new words.

    model: An encoder with the old vocabulary.
    extension: What `find_words` gave.
    RETURNS: Another model. All old pieces have the rows that they had.
    RAISES (SettingError): The encoder is not a packed one.
    """
    checkpoint = model.checkpoint
    encoder = checkpoint.encoder
    if not isinstance(encoder, BertEncoder):
        raise SettingError(Errors.SB821.format(name="the encoder", got=checkpoint.config.family))
    n_rows = max(encoder.config.vocab_size, _round_up(extension.tokenizer.vocab_size))
    first = checkpoint.tokenizer.vocab_size
    sizes = replace(encoder.config, vocab_size=n_rows)
    larger = BertEncoder(sizes)
    state = encoder.state_dict()
    key = "embeddings.pieces.weight"
    state[key] = _add_rows(state[key], n_rows, first, extension)
    larger.load_state_dict(state)
    raw = {**checkpoint.config.raw, "vocab_size": n_rows}
    config = HubConfig(checkpoint.config.family, raw, sizes)
    words = None if model.words is None else _extend_head(model.words, n_rows, first, extension)
    return PretrainingModel(
        LoadedCheckpoint(larger, extension.tokenizer, config), words=words, pairs=model.pairs
    )


def _extend_head(
    head: MaskedWordHead, n_rows: int, first: int, extension: Extension
) -> MaskedWordHead:
    larger = MaskedWordHead(**{**head.sizes, "vocab_size": n_rows})
    state = head.state_dict()
    state["bias"] = _add_rows(state["bias"][:, None], n_rows, first, extension)[:, 0]
    larger.load_state_dict(state)
    return larger


def _add_rows(table: torch.Tensor, n_rows: int, first: int, extension: Extension) -> torch.Tensor:
    """Add the mean of old rows for each word. Shape: (n, width) -> (n_rows, width)"""
    larger = table.new_zeros(n_rows, table.shape[1])
    larger[: len(table)] = table
    larger[len(table) :] = table.mean(0)  # rows that no piece has
    for place, ids in enumerate(extension.old_pieces):
        larger[first + place] = table[list(ids)].mean(0)
    return larger


def _count_words(texts: Iterable[str], rust: Tokenizer) -> Counter[str]:
    counts: Counter[str] = Counter()
    remaining = iter(texts)
    while some := list(islice(remaining, N_AT_ONCE)):
        for text in some:
            normal = rust.normalizer.normalize_str(text) if rust.normalizer else text
            counts.update(word for word, _ in rust.pre_tokenizer.pre_tokenize_str(normal))
    return counts


def _round_up(n: int) -> int:
    return -(-n // ROWS) * ROWS

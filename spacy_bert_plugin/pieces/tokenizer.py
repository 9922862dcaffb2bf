"""Text to pieces with the Rust tokenizer, offsets included."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from ..errors import CheckpointError, Errors, TextError
from .long_texts import PART_CHARS, can_be_cut, find_cuts
from .pair_pieces import SAMPLES, find_pair_pieces
from .panics import catch_panics
from .types import IntArray


@dataclass(frozen=True)
class TextPieces:
    """The pieces of one text, special pieces not included.

    ids: Ids of the vocabulary.
        Shape: (n_pieces,), int64
    offsets: First and last (exclusive) character of each piece in the text.
        Shape: (n_pieces, 2), int64
    """

    ids: IntArray
    offsets: IntArray

    def __len__(self) -> int:
        return len(self.ids)


class PieceTokenizer:
    """A `tokenizers.Tokenizer` whose settings never change after it is built.

    Padding and truncation are switched off once: changing them on a shared tokenizer fails
    under threads. Text that looks like a special piece is plain text: special pieces exist in
    the tokenizer only under names that nobody can type, with their ids unchanged.
    """

    def __init__(
        self, tokenizer: Tokenizer, text: str, names: dict[str, str], *, can_cut: bool = False
    ) -> None:
        self._tokenizer = tokenizer
        self._names = names
        self._can_cut = can_cut
        self.json = text
        self.vocab_size = _find_vocab_size(tokenizer)
        self.prefix_ids, self.suffix_ids = self._find_special_ids()
        self.pair = find_pair_pieces(tokenizer, self.prefix_ids, self.suffix_ids)
        self.pad_id = next((i for n in ("[PAD]", "<pad>") if (i := self.find_id(n)) is not None), 0)
        unknown = (self.find_id(name) for name in ("[UNK]", "<unk>"))
        self.unk_id: int | None = next((i for i in unknown if i is not None), None)
        masks = (self.find_id(name) for name in ("[MASK]", "<mask>"))
        self.mask_id: int | None = next((i for i in masks if i is not None), self.unk_id)

    @classmethod
    def from_json(cls, text: str) -> "PieceTokenizer":
        """Build from the text of a tokenizer.json.

        text (str): The file's text. It is kept, to be saved again as it was.
        RAISES (CheckpointError): It is not a tokenizer of the `tokenizers` library.
        """
        try:
            with catch_panics(ValueError):
                data, names = _disarm(json.loads(text))
                tokenizer = Tokenizer.from_str(json.dumps(data, ensure_ascii=False))
                return cls(tokenizer, text, names, can_cut=can_be_cut(data))
        # The Rust library raises bare Exception for whatever it cannot parse.
        except Exception as error:
            if isinstance(error, CheckpointError):
                raise
            raise CheckpointError(Errors.SB102.format(error=str(error)[:500])) from None

    @property
    def n_special(self) -> int:
        """Number of special pieces that a window carries."""
        return len(self.prefix_ids) + len(self.suffix_ids)

    def encode(self, texts: Sequence[str]) -> list[TextPieces]:
        """Turn texts into pieces, in one call to the tokenizer.

        texts (Sequence[str]): Any number of texts, empty ones included.
        RETURNS (list[TextPieces]): One a text, in order.
        RAISES (TextError): A text is not a str or not valid Unicode; the message names its index.
            Or the tokenizer itself gives up on one of them.
        """
        try:
            with catch_panics(_explain_panic):
                long = [self._can_cut and len(text) > PART_CHARS for text in texts]
                if not any(long):
                    return self._encode_batch(texts)
                pairs = list(zip(texts, long, strict=True))
                others = iter(self._encode_batch([text for text, is_long in pairs if not is_long]))
                return [
                    self._encode_parts(text) if is_long else next(others) for text, is_long in pairs
                ]
        except (TypeError, UnicodeError):
            _explain(texts)
            raise

    def _encode_batch(self, texts: Sequence[str]) -> list[TextPieces]:
        """Encode in one call."""
        if len(texts) == 1:  # without waking the threads that share a batch
            return [self._encode_one(texts[0])]
        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [_read(encoding) for encoding in encodings]

    def _encode_one(self, text: str) -> TextPieces:
        return _read(self._tokenizer.encode(text, add_special_tokens=False))

    def _encode_parts(self, text: str) -> TextPieces:
        """Encode a long text a part at a time, with the same result in bounded memory."""
        cuts = find_cuts(text)
        parts = [self._encode_one(text[start:end]) for start, end in pairwise(cuts)]
        offsets = [part.offsets + start for part, start in zip(parts, cuts, strict=False)]
        return TextPieces(np.concatenate([part.ids for part in parts]), np.concatenate(offsets))

    def find_id(self, name: str) -> int | None:
        """Look up a piece by its text, special pieces by their usual name."""
        found = self._tokenizer.token_to_id(self._names.get(name, name))
        return None if found is None else int(found)

    def name_piece(self, piece_id: int) -> str:
        """Give the text of a piece: `##ing`, `[SEP]`."""
        name = self._tokenizer.id_to_token(piece_id)
        armed = {new: old for old, new in self._names.items()}
        return "" if name is None else armed.get(name, name)

    def list_pieces(self) -> list[str]:
        """List the texts of all pieces by id, special pieces by their usual name."""
        pieces = [""] * self.vocab_size
        armed = {new: old for old, new in self._names.items()}
        for name, index in self._tokenizer.get_vocab(with_added_tokens=True).items():
            pieces[index] = armed.get(name, name)
        return pieces

    @property
    def special_ids(self) -> frozenset[int]:
        """Ids of the special pieces."""
        found = (self.find_id(name) for name in self._names)
        return frozenset(index for index in found if index is not None)

    @property
    def mask_name(self) -> str | None:
        """Usual name of the mask piece; None for a vocabulary without one."""
        return next((n for n in ("[MASK]", "<mask>") if self.find_id(n) is not None), None)

    @property
    def mask_key(self) -> str | None:
        """What stands for the mask piece in a text to encode, where its name is plain text."""
        name = self.mask_name
        return None if name is None else self._names.get(name, name)

    def __deepcopy__(self, memo: dict[int, Any]) -> "PieceTokenizer":
        return self  # nothing in it ever changes

    def __reduce__(self) -> tuple[Any, ...]:
        return (PieceTokenizer.from_json, (self.json,))

    def _find_special_ids(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Find what the tokenizer's own post-processor puts before and after a text."""
        for text in SAMPLES:
            plain = self._tokenizer.encode(text, add_special_tokens=False).ids
            whole = self._tokenizer.encode(text, add_special_tokens=True).ids
            if plain:
                break
        if len(whole) > len(plain) > 0:
            for start in range(len(whole) - len(plain) + 1):
                if whole[start : start + len(plain)] == plain:
                    return tuple(whole[:start]), tuple(whole[start + len(plain) :])
        for first, last in (("[CLS]", "[SEP]"), ("<s>", "</s>")):
            ids = self.find_id(first), self.find_id(last)
            if ids[0] is not None and ids[1] is not None:
                return (ids[0],), (ids[1],)
        raise CheckpointError(Errors.SB103)


def _read(encoding: Any) -> TextPieces:
    return TextPieces(
        np.array(encoding.ids, dtype=np.int64),
        np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2),
    )


def _disarm(data: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Give special pieces names that no text can contain; their ids stay what they were.

    The `tokenizers` switch `encode_special_tokens` is not enough: a Unigram vocabulary holds
    `<s>` with the best score of all, so its model finds it in plain text by itself.
    """
    key = secrets.token_hex(8)  # not to be guessed, so not to be typed
    special = [t["content"] for t in data.get("added_tokens", []) if t.get("special")]
    model = data["model"]
    merged = {"".join(m) if isinstance(m, list) else m.replace(" ", "") for m in _merges(model)}
    names = {name: f"\ufdd0{key}{name}" for name in special if name not in merged}
    data["truncation"] = data["padding"] = None
    for token in data.get("added_tokens", []):
        token["content"] = names.get(token["content"], token["content"])
    vocab = model.get("vocab")
    if isinstance(vocab, dict):
        model["vocab"] = {names.get(name, name): index for name, index in vocab.items()}
    elif isinstance(vocab, list):  # Unigram
        model["vocab"] = [[names.get(name, name), score] for name, score in vocab]
    if model.get("unk_token") in names:
        model["unk_token"] = names[model["unk_token"]]
    return data, names


def _merges(model: dict[str, Any]) -> list[Any]:
    return model.get("merges") or []


def _find_vocab_size(tokenizer: Tokenizer) -> int:
    """One more than the highest id: what an embedding table must have rows for."""
    return max(tokenizer.get_vocab(with_added_tokens=True).values(), default=-1) + 1


def _explain(texts: Sequence[str]) -> None:
    """Raise the error that names the first text which cannot be encoded."""
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise TextError(Errors.SB105.format(index=index, got=type(text).__name__))
        try:
            text.encode("utf8")
        except UnicodeEncodeError as error:
            raise TextError(Errors.SB101.format(index=index, position=error.start)) from None


def _explain_panic(problem: str) -> TextError:
    return TextError(Errors.SB106.format(error=problem))

"""Tokenizers of the usual kinds, trained on the spot, and what has to hold for every token."""

import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np
from spacy.tokens import Doc
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from spacy_bert_plugin.pieces import Alignment, PieceTokenizer, TextPieces, align_tokens

BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROBERTA = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
KINDS = ("wordpiece", "wordpiece-cased", "byte-bpe", "unigram", "unigram-nfkc")


def train_tokenizer(kind: str, texts: Iterable[str], *, n_pieces: int = 1000) -> PieceTokenizer:
    """Train a tokenizer as BERT ("wordpiece"), RoBERTa or XLM-R ("unigram") has it."""
    if kind.startswith("wordpiece"):
        tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=kind == "wordpiece")
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(
            vocab_size=n_pieces, special_tokens=BERT, show_progress=False, limit_alphabet=400
        )
        first, last = "[CLS]", "[SEP]"
    elif kind == "byte-bpe":
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        trainer = trainers.BpeTrainer(
            vocab_size=n_pieces, special_tokens=ROBERTA, show_progress=False,
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        )  # fmt: skip
        first, last = "<s>", "</s>"
    else:
        tokenizer = Tokenizer(models.Unigram())
        if kind == "unigram-nfkc":
            # As SentencePiece: width and ligatures are normalised, runs of spaces are one.
            tokenizer.normalizer = normalizers.Sequence(
                [normalizers.NFKC(), normalizers.Replace(" {2,}", " ")]
            )
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        trainer = trainers.UnigramTrainer(
            vocab_size=n_pieces, special_tokens=ROBERTA, show_progress=False, unk_token="<unk>"
        )
        first, last = "<s>", "</s>"
    tokenizer.train_from_iterator(texts, trainer)
    ids = [(name, tokenizer.token_to_id(name)) for name in (first, last)]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}", special_tokens=ids
    )
    return PieceTokenizer.from_json(tokenizer.to_str())


def align(tokenizer: PieceTokenizer, docs: Sequence[Doc]) -> tuple[Alignment, list[TextPieces]]:
    """Align the tokens of Docs with their pieces."""
    pieces = tokenizer.encode([doc.text for doc in docs])
    starts = [np.array([t.idx for t in doc], dtype=np.int64) for doc in docs]
    ends = [np.array([t.idx + len(t) for t in doc], dtype=np.int64) for doc in docs]
    return align_tokens(pieces, starts, ends), pieces


def is_visible(char: str) -> bool:
    """Whether a character has to be in some piece: no space, no control, no mark on another.

    Parts of a Korean syllable and Japanese marks of half width join the character before them too.
    """
    is_joined = "\u1160" <= char <= "\u11ff" or char in "\uff9e\uff9f"
    return not is_joined and unicodedata.category(char)[0] not in "ZCM"


def check_alignment(tokenizer: PieceTokenizer, docs: Sequence[Doc]) -> int:
    """Check what has to hold of Docs. RETURNS: Number of tokens that were checked."""
    alignment, pieces = align(tokenizer, docs)
    token = piece = 0
    for doc, found in zip(docs, pieces, strict=True):
        text, offsets = doc.text, found.offsets
        assert np.all((offsets >= 0) & (offsets <= len(text))), text
        assert np.all(offsets[:, 0] <= offsets[:, 1]), text
        assert np.all(np.diff(offsets[:, 0]) >= 0), f"offsets step back: {text!r}"
        covered = np.zeros(len(text), dtype=bool)
        for start, end in offsets.tolist():
            covered[start:end] = True
        # The text comes back from the offsets, but for what nobody can see.
        lost = [char for char, is_covered in zip(text, covered, strict=True) if not is_covered]
        assert not any(map(is_visible, lost)), f"{lost!r} of {text!r} is in no piece"
        for each in doc:
            first, count = int(alignment.firsts[token]), int(alignment.counts[token])
            start, end = each.idx, each.idx + len(each)
            expected = [
                piece + number
                for number, (a, b) in enumerate(offsets.tolist())
                if a < end and b > start
            ]
            assert list(range(first, first + count)) == expected, f"{each.text!r} of {text!r}"
            if any(map(is_visible, each.text)):
                assert count > 0, f"{each.text!r} of {text!r} has no piece"
            token += 1
        piece += len(found)
    return token

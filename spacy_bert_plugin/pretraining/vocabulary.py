"""Vocabularies trained on a corpus, and existing ones with words of a domain added.

WordPiece as of BERT (https://arxiv.org/abs/1810.04805) or byte-level BPE as of RoBERTa
(https://arxiv.org/abs/1907.11692); the trainers are those of the `tokenizers` library.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from ..checkpoints.tokenizer_files import SETTINGS, TOKENIZER, make_settings
from ..checkpoints.vocabularies import make_byte_bpe, make_wordpiece
from ..errors import DataError, Errors, SettingError
from ..pieces import PieceTokenizer

KINDS = ("wordpiece", "bpe")
BERT_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
ROBERTA_SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
SOURCE = "the new vocabulary"
# Characters that get a piece of their own: all of an alphabet, the frequent ones of Chinese.
MIN_ALPHABET = 1_000


@dataclass(frozen=True)
class VocabularySettings:
    """What a vocabulary should be like.

    kind (str): "wordpiece" or "bpe".
    size (int): Number of pieces, special ones included.
    use_capitals (bool): Whether capitals and accents are kept apart. BPE always keeps them.
    min_count (int): Pieces that occur less often are not made.
    split_chinese (bool): Whether every Chinese character is a word of its own.
    max_pieces (int): Longest window, for the settings that transformers reads.
    """

    kind: str = "wordpiece"
    size: int = 30_000
    use_capitals: bool = False
    min_count: int = 2
    split_chinese: bool = True
    max_pieces: int = 512

    def __post_init__(self) -> None:
        checks = (
            ("kind", self.kind, self.kind in KINDS, " or ".join(KINDS)),
            ("size", self.size, self.size >= 1, "at least 1"),
            ("min_count", self.min_count, self.min_count >= 1, "at least 1"),
        )
        for name, got, is_right, expected in checks:
            if not is_right:
                raise SettingError(Errors.SB002.format(name=name, expected=expected, got=got))


def train_vocabulary(texts: Iterable[str], settings: VocabularySettings) -> dict[str, str]:
    """Train a vocabulary.

    texts (Iterable[str]): Lines of a corpus; read once, as a stream.
    settings (VocabularySettings): What to make.
    RETURNS (dict[str, str]): Files that transformers opens, by name: tokenizer.json first of all.
    RAISES (DataError): There is no text.
        (SettingError): The size leaves no room for the characters of the corpus.
    """
    if settings.kind == "wordpiece":
        vocab = _train_wordpiece(texts, settings)
        text = "".join(f"{piece}\n" for piece in vocab)
        switches = {
            "do_lower_case": not settings.use_capitals,
            "tokenize_chinese_chars": settings.split_chinese,
        }
        made = make_wordpiece(text, switches, source=SOURCE)
        files = {"vocab.txt": text}
    else:
        vocab, merges = _train_bpe(texts, settings)
        files = {
            "vocab.json": json.dumps({piece: n for n, piece in enumerate(vocab)}) + "\n",
            "merges.txt": "#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges),
        }
        made = make_byte_bpe(files["vocab.json"], files["merges.txt"], {}, source=SOURCE)
        switches = {}
    return {**_describe(made, settings, switches), **files}


def _train_wordpiece(texts: Iterable[str], settings: VocabularySettings) -> list[str]:
    """RETURNS: Pieces in the order of their ids."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=settings.split_chinese,
        lowercase=not settings.use_capitals,
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    # Without a limit, rare characters of a corpus in Chinese would take the whole vocabulary.
    alphabet = max(MIN_ALPHABET, settings.size // 2)
    trainer = trainers.WordPieceTrainer(
        vocab_size=settings.size,
        min_frequency=settings.min_count,
        limit_alphabet=alphabet,
        special_tokens=list(BERT_SPECIAL),
        continuing_subword_prefix="##",
        show_progress=False,
    )
    return _train(tokenizer, trainer, texts, settings, n_special=len(BERT_SPECIAL))


def _train_bpe(
    texts: Iterable[str], settings: VocabularySettings
) -> tuple[list[str], list[tuple[str, str]]]:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=settings.size,
        min_frequency=settings.min_count,
        special_tokens=list(ROBERTA_SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    vocab = _train(tokenizer, trainer, texts, settings, n_special=len(ROBERTA_SPECIAL))
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return vocab, [tuple(m if isinstance(m, list) else m.split(" ")) for m in merges]


def _train(
    tokenizer: Tokenizer,
    trainer: trainers.Trainer,
    texts: Iterable[str],
    settings: VocabularySettings,
    *,
    n_special: int,
) -> list[str]:
    # Words at the ends of lines keep the space that running text has between them.
    space = " " if settings.kind == "bpe" else ""
    tokenizer.train_from_iterator((f"{space}{text}" for text in texts), trainer)
    found = tokenizer.get_vocab(with_added_tokens=True)
    n_alphabet = 256 if settings.kind == "bpe" else 0
    if len(found) <= n_special + n_alphabet and settings.kind == "wordpiece":
        raise DataError(Errors.SB800.format(path="The corpus"))
    if len(found) > settings.size or settings.size < n_special + n_alphabet + 1:
        low = max(len(found), n_special + n_alphabet + 1)
        raise SettingError(Errors.SB820.format(got=settings.size, low=low))
    return sorted(found, key=found.__getitem__)


def _describe(
    text: str, settings: VocabularySettings, switches: Mapping[str, bool]
) -> dict[str, str]:
    tokenizer = PieceTokenizer.from_json(text)
    described = json.loads(
        make_settings(
            tokenizer,
            max_pieces=settings.max_pieces,
            use_segments=settings.kind == "wordpiece",
        )
    )
    described.update(switches)
    return {
        TOKENIZER: text,
        SETTINGS: json.dumps(described, indent=2, sort_keys=True) + "\n",
    }

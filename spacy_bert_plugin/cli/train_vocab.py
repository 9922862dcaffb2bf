"""`spacy-bert train-vocab`: a vocabulary from a corpus, or more words for an existing one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from tqdm import tqdm

from ..errors import Errors, SettingError
from .report import print_table, report_errors, say_good

if TYPE_CHECKING:
    from ..pretraining.extend import Extension
    from ..pretraining.vocabulary import VocabularySettings

SIZE, N_WORDS = 30_000, 1_000
N_SHOWN = 10


class Kind(Enum):
    """Kinds of vocabularies."""

    wordpiece = "wordpiece"
    bpe = "bpe"


def train_vocab_cli(
    corpus: Annotated[
        list[Path],
        typer.Argument(help=".txt, .jsonl or .spacy files, or folders.", show_default=False),
    ],
    output: Annotated[Path, typer.Argument(help="Folder to make.", show_default=False)],
    kind: Annotated[
        Kind, typer.Option(help="wordpiece, as BERT has it, or bpe, as RoBERTa has it.")
    ] = Kind.wordpiece,
    size: Annotated[
        int | None,
        typer.Option(
            min=1,
            help=f"Number of pieces ({SIZE}); with --extend, words to add at most ({N_WORDS}).",
            show_default=False,
        ),
    ] = None,
    cased: Annotated[
        bool, typer.Option("--cased", help="Keep capitals and accents apart.")
    ] = False,
    min_count: Annotated[
        int, typer.Option(min=1, help="Pieces and words that are rarer are not made.")
    ] = 2,
    keep_chinese: Annotated[
        bool,
        typer.Option("--keep-chinese", help="Do not cut between any two Chinese characters."),
    ] = False,
    extend: Annotated[
        str | None,
        typer.Option(help="Checkpoint to add words to, instead of a new vocabulary."),
    ] = None,
    text_key: Annotated[str, typer.Option(help="Key of the text in jsonl.")] = "text",
    force: Annotated[
        bool, typer.Option("--force", help="Replace a vocabulary or checkpoint in the folder.")
    ] = False,
) -> None:
    """Train a vocabulary on texts, and write a tokenizer that transformers opens as well.

    With --extend, frequent words of the texts that a checkpoint cuts in pieces are added to it: the
    folder then holds the whole checkpoint, in which each new word begins as the mean of its pieces.
    """
    with report_errors():
        from ..pretraining.vocabulary import VocabularySettings

        if output.exists() and not force and (not output.is_dir() or any(output.iterdir())):
            raise SettingError(Errors.SB664.format(path=output))
        if extend is None:
            settings = VocabularySettings(
                kind=kind.value,
                size=SIZE if size is None else size,
                use_capitals=cased,
                min_count=min_count,
                split_chinese=not keep_chinese,
            )
            n_pieces = train_vocab(corpus, output, settings=settings, text_key=text_key)
            say_good(f"{n_pieces:,} pieces are in {output}")
            return
        extension = extend_checkpoint(
            corpus,
            output,
            name=extend,
            n_words=N_WORDS if size is None else size,
            min_count=min_count,
            text_key=text_key,
        )
        rows = [
            [word, n, len(ids)]
            for (word, n), ids in zip(extension.words, extension.old_pieces, strict=True)
        ]
        print_table(rows[:N_SHOWN], header=["word", "times", "pieces before"])
        say_good(f"{len(rows):,} words were added; the checkpoint is in {output}")


def train_vocab(
    corpus: Sequence[Path], output: Path, *, settings: VocabularySettings, text_key: str = "text"
) -> int:
    """Train a vocabulary and write it, at once or not at all.

    corpus (Sequence[Path]): Files or folders.
    output (Path): The folder.
    settings (VocabularySettings): What to make.
    text_key (str): Key of the text in jsonl.
    RETURNS (int): Number of pieces.
    RAISES (SettingError, DataError, CheckpointError): It cannot be made, or not be written.
    """
    from ..checkpoints.atomic import write_folder
    from ..pieces import PieceTokenizer
    from ..pretraining.vocabulary import train_vocabulary

    files = train_vocabulary(_read(corpus, text_key), settings)
    write_folder({name: text.encode() for name, text in files.items()}, output)
    return PieceTokenizer.from_json(files["tokenizer.json"]).vocab_size


def extend_checkpoint(
    corpus: Sequence[Path],
    output: Path,
    *,
    name: str,
    n_words: int,
    min_count: int,
    text_key: str = "text",
) -> Extension:
    """Add words of a corpus to a checkpoint, and write that as another one.

    corpus (Sequence[Path]), output (Path), text_key (str): As in `train_vocab`.
    name (str): Folder or name of the checkpoint.
    n_words (int), min_count (int): How many words at most, and how often they have to occur.
    RETURNS (Extension): The words.
    RAISES (SettingError, DataError, CheckpointError): As in `train_vocab`.
    """
    from ..pretraining.encoders import make_model, save_model
    from ..pretraining.extend import extend_model, find_words
    from ..pretraining.settings import EncoderChoice

    model = make_model(EncoderChoice(name=name), use_words=False, use_pairs=False)
    extension = find_words(
        _read(corpus, text_key),
        model.checkpoint.tokenizer,
        n_words=n_words,
        min_count=min_count,
        name=name,
    )
    save_model(extend_model(model, extension), output)
    return extension


def _read(corpus: Sequence[Path], text_key: str) -> Iterator[str]:
    from ..pretraining import TextCorpus

    texts = TextCorpus(list(corpus), sentences="none", text_key=text_key).iter_texts()
    shown: Iterable[str] = tqdm(texts, desc="Reading", unit=" lines", disable=None, leave=False)
    yield from (text for text in shown if text.strip())

"""`spacy-bert debug-pieces`: tokens, pieces, offsets and windows of a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import DataError, Errors
from .report import print_table, report_errors

if TYPE_CHECKING:
    from .encoder_folder import OpenedEncoder

TOKEN_HEADER = ("token", "characters", "pieces", "ids", "window")
WINDOW_HEADER = ("window", "pieces", "kept", "length", "begins with")
N_SHOWN = 30


def debug_pieces_cli(
    model: Annotated[
        str,
        typer.Argument(help="Pipeline or encoder: a folder, or a name.", show_default=False),
    ],
    texts: Annotated[list[str] | None, typer.Argument(help="Texts.", show_default=False)] = None,
    file: Annotated[Path | None, typer.Option(help="Read one text from a file.")] = None,
    lang: Annotated[str, typer.Option(help="Language, where MODEL is an encoder alone.")] = "en",
    max_pieces: Annotated[
        int | None, typer.Option(help="Most pieces of a window, special ones included.")
    ] = None,
    overlap: Annotated[int | None, typer.Option(help="Pieces that windows share.")] = None,
) -> None:
    """Show how texts are cut: tokens, their pieces, and the windows that the encoder reads.

    A token is read from the window named beside it. A token without pieces (white space) gets
    a zero vector.
    """
    with report_errors():
        from ..training.formats.read import read_text
        from .encoder_folder import open_encoder

        given = [*(texts or []), *([read_text(file)] if file is not None else [])]
        if not given:
            raise DataError(Errors.SB665)
        opened = open_encoder(model, lang=lang)
        for shown in debug_pieces(opened, given, max_pieces=max_pieces, overlap=overlap):
            typer.echo(shown.headline)
            if shown.tokens:
                print_table(shown.tokens, header=TOKEN_HEADER)
                print_table(shown.windows, header=WINDOW_HEADER)


@dataclass(frozen=True)
class ShownText:
    """Tables of one text.

    headline (str): Counts.
    tokens (list): A row a token, under `TOKEN_HEADER`.
    windows (list): A row a window, under `WINDOW_HEADER`.
    """

    headline: str
    tokens: list[list[str | int]]
    windows: list[list[str | int]]


def debug_pieces(
    opened: OpenedEncoder,
    texts: Sequence[str],
    *,
    max_pieces: int | None = None,
    overlap: int | None = None,
) -> list[ShownText]:
    """Cut texts as the encoder will see them.

    opened (OpenedEncoder): Tokenizers and sizes of windows.
    texts (Sequence[str]): The texts.
    max_pieces (int), overlap (int): Other sizes of windows.
    RETURNS (list): Tables, one set for each text.
    RAISES (SettingError): windows that leave no room for text.
    """
    return [
        _show_text(
            opened,
            text,
            max_pieces=max_pieces or opened.max_pieces,
            overlap=opened.overlap if overlap is None else overlap,
        )
        for text in texts
    ]


def _show_text(opened: OpenedEncoder, text: str, *, max_pieces: int, overlap: int) -> ShownText:
    from ..layers.prepare import prepare_docs

    doc = opened.nlp.make_doc(text)
    tokenizer = opened.tokenizer
    prepared = prepare_docs([doc], tokenizer, max_pieces=max_pieces, overlap=overlap)
    pieces, alignment, windows = prepared.pieces[0], prepared.alignment, prepared.windows
    names = [tokenizer.name_piece(i) for i in pieces.ids.tolist()]
    keeps = list(zip(windows.keep_starts.tolist(), windows.keep_ends.tolist(), strict=True))
    tokens: list[list[str | int]] = []
    for token, first, count in zip(
        doc, alignment.firsts.tolist(), alignment.counts.tolist(), strict=True
    ):
        run = range(first, first + count)
        read_from = [i for i, (a, b) in enumerate(keeps) if a < run.stop and run.start < b]
        tokens.append(
            [
                _quote(token.text),
                f"{token.idx}:{token.idx + len(token)}",
                " ".join(names[i] for i in run) or "(none: zero vector)",
                " ".join(str(pieces.ids[i]) for i in run),
                ", ".join(map(str, read_from)) if count else "",
            ]
        )
    rows: list[list[str | int]] = []
    for i, (start, end) in enumerate(zip(windows.starts, windows.ends, strict=True)):
        begin = int(pieces.offsets[start, 0])
        length = int(end - start) + tokenizer.n_special
        kept = f"{keeps[i][0]}:{keeps[i][1]}"
        rows.append([str(i), f"{start}:{end}", kept, length, _quote(text[begin:][:N_SHOWN])])
    n_unknown = int((pieces.ids == tokenizer.unk_id).sum()) if tokenizer.unk_id is not None else 0
    headline = (
        f"\n{len(doc)} tokens, {len(pieces)} pieces ({n_unknown} unknown), {len(windows)} "
        f"window(s) of at most {max_pieces} pieces, special pieces included"
    )
    return ShownText(headline, tokens, rows)


def _quote(text: str) -> str:
    """Show a text on one line, white space and invisible characters made visible."""
    return text if text.isprintable() and text.strip() == text else repr(text)[1:-1]

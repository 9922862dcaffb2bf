"""The encoder behind a path: of a pipeline, of a folder, or of a name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import CheckpointNotFoundError, Errors

if TYPE_CHECKING:
    from ..pieces import PieceTokenizer

FACTORY = "bert_transformer"
PIPELINE_FILE = "config.cfg"


@dataclass(frozen=True)
class OpenedEncoder:
    """What is needed to cut texts as an encoder will see them.

    nlp (Language): Makes the tokens.
    tokenizer (PieceTokenizer): Makes the pieces.
    max_pieces (int), overlap (int): Of windows.
    facts (dict): What there is to tell about it, by title.
    """

    nlp: Any
    tokenizer: PieceTokenizer
    max_pieces: int
    overlap: int
    facts: dict[str, str]


def open_encoder(path: Path | str, *, lang: str = "en") -> OpenedEncoder:
    """Open a pipeline with a `bert_transformer`, or an encoder.

    path (Path or str): Folder or package of a pipeline; or folder or name of an encoder.
    lang (str): Language whose tokenizer makes the tokens, where an encoder alone is opened.
    RETURNS (OpenedEncoder): Tokenizers and sizes of windows.
    RAISES (CheckpointNotFoundError): there is neither.
    """
    from spacy.util import is_package

    folder = Path(path)
    if (folder / PIPELINE_FILE).is_file() or (not folder.exists() and is_package(str(path))):
        return _open_pipeline(path)
    if folder.is_dir() and not (folder / "config.json").is_file():
        raise CheckpointNotFoundError(Errors.SB662.format(path=path))
    return _open_checkpoint(path, lang=lang)


def _open_pipeline(path: Path | str) -> OpenedEncoder:
    import spacy

    from ..layers import get_shim, size_windows

    nlp = spacy.load(path)
    names = [name for name in nlp.pipe_names if nlp.get_pipe_meta(name).factory == FACTORY]
    if not names:
        raise CheckpointNotFoundError(Errors.SB662.format(path=path))
    model = nlp.get_pipe(names[0]).model
    settings, checkpoint = model.attrs["settings"], get_shim(model).checkpoint
    facts = {
        "pipeline": ", ".join(nlp.pipe_names),
        "listening": ", ".join(nlp.get_pipe(names[0]).listening_components) or "nobody",
        "precision": settings.precision,
    }
    max_pieces, overlap = size_windows(settings, checkpoint)
    return OpenedEncoder(
        nlp=nlp,
        tokenizer=checkpoint.tokenizer,
        max_pieces=max_pieces,
        overlap=overlap,
        facts={**facts, **_describe(checkpoint.config.family, checkpoint.encoder.config)},
    )


def _open_checkpoint(path: Path | str, *, lang: str) -> OpenedEncoder:
    import spacy

    from ..checkpoints import load_checkpoint, resolve_checkpoint
    from ..pieces import choose_overlap

    checkpoint = load_checkpoint(resolve_checkpoint(path))
    config = checkpoint.encoder.config
    return OpenedEncoder(
        nlp=spacy.blank(lang),
        tokenizer=checkpoint.tokenizer,
        max_pieces=config.max_pieces,
        overlap=choose_overlap(config.max_pieces, checkpoint.tokenizer.n_special),
        facts=_describe(checkpoint.config.family, config),
    )


def _describe(family: str, config: Any) -> dict[str, str]:
    rows = {
        "family": family,
        "layers": str(config.n_layers),
        "width": str(config.width),
        "heads": str(getattr(config, "n_heads", "")),
        "vocabulary": f"{config.vocab_size:,} pieces",
        "longest window": f"{config.max_pieces} pieces",
    }
    return {title: value for title, value in rows.items() if value}

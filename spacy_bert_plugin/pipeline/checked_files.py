"""Files of a head that vouch for themselves: a changed byte is an error, not a worse model."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from spacy.pipeline import TrainablePipe

from ..checkpoints.files import open_folder
from ..checkpoints.manifest import NAME as MANIFEST
from ..checkpoints.manifest import make_manifest, parse_manifest
from ..errors import CheckpointError, Errors

# What spaCy writes for a trainable component, the vocabulary left out: the pipeline has it.
FILES = ("cfg", "model")


class CheckedFiles(TrainablePipe):
    """A component that writes a manifest beside its weights, and reads nothing that has changed."""

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write the component as spaCy does, then the hashes of its files.

        path (str | Path): Its folder.
        """
        super().to_disk(path, exclude=exclude)
        path = Path(path)
        files = {name: (path / name).read_bytes() for name in FILES if (path / name).is_file()}
        (path / MANIFEST).write_bytes(make_manifest(files))

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> Any:
        """Load what `to_disk` wrote.

        RAISES (CheckpointError): A file is missing, or a byte of it is not what was saved.
        """
        check_files(Path(path))
        return super().from_disk(path, exclude=exclude)


def check_files(path: Path) -> None:
    """Compare the files of a head with its manifest, if it has one.

    path (Path): The folder of the component.
    RAISES (CheckpointError): A file is missing, or a byte of it is not what was saved.
    """
    files = open_folder(path)
    if MANIFEST not in files:
        return
    entries = parse_manifest(files.read_text(MANIFEST), source=files.where(MANIFEST))
    problem = next((name for name in entries if name not in files), None)
    if problem is not None:
        raise CheckpointError(Errors.SB317.format(source=path, problem=f"'{problem}' is missing"))
    files.entries = entries
    files.check_rest()

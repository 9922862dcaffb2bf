"""The manifest of a saved checkpoint: size and SHA-256 of every file, and of itself.

{"digest": "...", "files": {"config.json": {"sha256": "...", "size": 612}, ...},
 "format": 1, "needs": "0.1.0"}
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..about import __version__
from ..errors import CheckpointError, Errors
from .json_text import parse_json

NAME = "manifest.json"
FORMAT = 1
# The oldest release that reads FORMAT. It changes only when FORMAT does.
NEEDS = "0.1.0"
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
_CHUNK = 1024 * 1024
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True)
class FileEntry:
    """What a file must be: its SHA-256 in hex digits and its size in bytes."""

    sha256: str
    size: int


def hash_file(path: Path, digest: Any = None) -> str:
    """Hash a file piece by piece.

    path (Path): The file.
    digest (Any): A hash object that has been started; a new SHA-256 if None.
    RETURNS (str): Hex digits.
    """
    digest = hashlib.sha256() if digest is None else digest
    with open(path, "rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return str(digest.hexdigest())


def is_plain_name(name: str) -> bool:
    """Whether a name is that of a file in the same folder, on every system."""
    return _FILE_NAME.fullmatch(name) is not None


def make_manifest(files: Mapping[str, bytes]) -> bytes:
    """Describe files.

    files (Mapping[str, bytes]): What each file holds, by name.
    RETURNS (bytes): The manifest to store beside them.
    """
    entries = {
        name: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        for name, data in files.items()
    }
    body = {"format": FORMAT, "needs": NEEDS, "written_by": __version__, "files": entries}
    return _dump({**body, "digest": _digest(body)}).encode()


def parse_manifest(text: str, *, source: str) -> dict[str, FileEntry]:
    """Read a manifest.

    text (str): What the file holds.
    source (str): The file, for messages.
    RETURNS (dict[str, FileEntry]): What every other file of the folder must be, by name.
    RAISES (CheckpointError): It was written by a newer version, or is damaged in any place.
    """
    data = parse_json(text, source=source)
    found = data.get("format")
    if type(found) is int and found > FORMAT:
        needs = str(data.get("needs"))[:40]
        raise CheckpointError(
            Errors.SB316.format(source=source, got=found, known=FORMAT, needs=needs)
        )
    problem = _find_problem(data, text)
    if problem:
        raise CheckpointError(Errors.SB315.format(source=source, error=problem))
    return {name: FileEntry(e["sha256"], e["size"]) for name, e in data["files"].items()}


def check_listing(
    entries: Mapping[str, FileEntry], sizes: Mapping[str, int | None], *, source: str
) -> None:
    """Compare the files of a folder with its manifest, by name and size.

    entries (Mapping[str, FileEntry]): The manifest.
    sizes (Mapping[str, int | None]): Size of each file that is there, the manifest not included;
        None for what is no file.
    source (str): The folder, for messages.
    RAISES (CheckpointError): A file is missing, cut off, grown, or should not be there.
    """
    problems = [f"'{name}' is missing" for name in entries if name not in sizes]
    problems += [f"'{name}' does not belong there" for name in sizes if name not in entries]
    problems += [
        f"'{name}' has {sizes[name]} bytes instead of {entry.size}"
        for name, entry in entries.items()
        if name in sizes and sizes[name] != entry.size
    ]
    if problems:
        shown = "; ".join(problems[:5])
        raise CheckpointError(Errors.SB317.format(source=source, problem=shown))


def _find_problem(data: dict[str, Any], text: str) -> str | None:
    files = data.get("files")
    if data.get("format") != FORMAT or not isinstance(files, dict):
        return "it has no list of files"
    for name, entry in files.items():
        is_entry = isinstance(entry, dict) and type(entry.get("size")) is int
        if not is_entry or not _DIGEST.fullmatch(str(entry.get("sha256"))) or entry["size"] < 0:
            return f"the entry of {name[:80]!r} is not a SHA-256 and a size"
        if not is_plain_name(name) or name == NAME:
            return f"{name[:80]!r} is not the name of a file in the folder"
    body = {key: value for key, value in data.items() if key != "digest"}
    # The digest covers the values, the comparison the spaces between them.
    if data.get("digest") != _digest(body) or _dump(data) != text:
        return "its own digest does not fit, so a part of it has changed"
    return None


def _digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(_dump(body).encode()).hexdigest()


def _dump(data: dict[str, Any]) -> str:
    return json.dumps(data, indent=1, sort_keys=True) + "\n"

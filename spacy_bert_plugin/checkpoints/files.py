"""The files of one checkpoint, in a folder or in memory, each read once and hashed on the way."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BufferedIOBase, BytesIO
from pathlib import Path

from ..errors import CheckpointError, CheckpointNotFoundError, Errors
from . import manifest as manifests
from .manifest import FileEntry

MAX_TEXT = 256 * 1024 * 1024
_CHUNK = 1024 * 1024


class FileReader:
    """Reads one file from front to end and hashes what it hands out.

    stream (BufferedIOBase): The open file.
    where (str): The file, for messages.
    size (int): Its size in bytes.
    entry (FileEntry | None): What the manifest says of it.
    """

    def __init__(
        self, stream: BufferedIOBase, *, where: str, size: int, entry: FileEntry | None
    ) -> None:
        self.where, self.size = where, size
        self._stream, self._entry = stream, entry
        self._hash = hashlib.sha256()
        self._n_read = 0

    def fill(self, view: memoryview) -> None:
        """Read as many bytes as the view has. RAISES (CheckpointError): The file ends before."""
        done = 0
        while done < len(view):
            part = view[done : done + _CHUNK]  # small enough to be hashed from the cache
            n = self._stream.readinto(part)
            if not n:
                error = f"it ends after {self._n_read} bytes"
                raise CheckpointError(Errors.SB318.format(source=self.where, error=error))
            if self._entry is not None:
                self._hash.update(part[:n])
            done += n
            self._n_read += n

    def read(self, n_bytes: int) -> bytes:
        """Read exactly so many bytes. RAISES (CheckpointError): The file ends before."""
        data = bytearray(n_bytes)
        self.fill(memoryview(data))
        return bytes(data)

    def check(self) -> None:
        """Compare the whole file with the manifest, if there is one.

        RAISES (CheckpointError): The hash of all bytes is not the one that was saved.
        """
        if self._entry is None:
            return
        while rest := self._stream.read(_CHUNK):
            self._hash.update(rest)
            self._n_read += len(rest)
        got = self._hash.hexdigest()
        if got != self._entry.sha256 or self._n_read != self._entry.size:
            raise CheckpointError(
                Errors.SB314.format(
                    source=self.where,
                    size=self._entry.size,
                    expected=self._entry.sha256,
                    got=f"{self._n_read} bytes with {got}",
                )
            )


class CheckpointFiles:
    """Files by name. With a manifest, no byte is used that is not the one that was saved.

    source (str): Where they are, for messages.
    sizes (Mapping[str, int]): Size of each file.
    entries (Mapping[str, FileEntry] | None): The manifest of files that this package saved.
    """

    def __init__(
        self, source: str, sizes: Mapping[str, int], entries: Mapping[str, FileEntry] | None
    ) -> None:
        self.source, self.sizes, self.entries = source, sizes, entries
        self._checked: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self.sizes

    def where(self, name: str) -> str:
        """Name a file in a message."""
        return os.path.join(self.source, name)

    def read_text(self, name: str, *, limit: int = MAX_TEXT) -> str:
        """Read a small file as UTF-8.

        RAISES (CheckpointError): It is missing, too large, not UTF-8, or not what was saved.
        """
        with self.open(name) as reader:
            if reader.size > limit:
                got = f"{reader.size} bytes long"
                raise CheckpointError(
                    Errors.SB311.format(source=reader.where, limit=limit, got=got)
                )
            data = reader.read(reader.size)
        try:
            return data.decode("utf8")
        except UnicodeDecodeError as error:
            raise CheckpointError(
                Errors.SB313.format(source=reader.where, expected="UTF-8 text", error=error)
            ) from None

    @contextmanager
    def open(self, name: str) -> Iterator[FileReader]:
        """Open a file. When the block ends, all its bytes are compared with the manifest.

        RAISES (CheckpointError): It is missing, cannot be read, or is not what was saved.
        """
        if name not in self.sizes:
            got = ", ".join(sorted(self.sizes)[:10]) or "no files"
            raise CheckpointError(
                Errors.SB310.format(source=self.source, expected=f"'{name}'", got=got)
            )
        entry = None if self.entries is None else self.entries[name]
        where = self.where(name)
        try:
            with self._open(name) as stream:
                reader = FileReader(stream, where=where, size=self.sizes[name], entry=entry)
                try:
                    yield reader
                except CheckpointError:
                    reader.check()  # a changed byte explains whatever was found wrong
                    raise
                reader.check()
                self._checked.add(name)
        except OSError as error:
            if isinstance(error, CheckpointError):
                raise
            raise CheckpointError(Errors.SB318.format(source=where, error=error)) from error

    def check_rest(self) -> None:
        """Compare the files that nobody has read with the manifest, if there is one.

        RAISES (CheckpointError): One of them is not what was saved.
        """
        for name in sorted(set(self.entries or ()) - self._checked):
            with self.open(name):
                pass  # its hash is checked when the block ends

    def _open(self, name: str) -> BufferedIOBase:
        raise NotImplementedError(name)


class FolderFiles(CheckpointFiles):
    """Files of a folder."""

    def __init__(
        self, path: Path, sizes: Mapping[str, int], entries: Mapping[str, FileEntry] | None
    ) -> None:
        super().__init__(str(path), sizes, entries)
        self._path = path

    def _open(self, name: str) -> BufferedIOBase:
        return open(self._path / name, "rb")


class MemoryFiles(CheckpointFiles):
    """Files in memory."""

    def __init__(
        self, source: str, files: Mapping[str, bytes], entries: Mapping[str, FileEntry] | None
    ) -> None:
        super().__init__(source, {name: len(data) for name, data in files.items()}, entries)
        self._files = files

    def _open(self, name: str) -> BufferedIOBase:
        return BytesIO(self._files[name])


def open_folder(path: Path, *, is_own: bool = False) -> FolderFiles:
    """List the files of a checkpoint folder.

    path (Path): The folder.
    is_own (bool): Whether this package saved it, so that a manifest must vouch for every file.
    RETURNS (FolderFiles): Its files; sub-folders and files that begin with "." are left out.
    RAISES (CheckpointNotFoundError): There is no such folder.
    RAISES (CheckpointError): It cannot be read, or is not what its manifest says.
    """
    if not path.is_dir():
        raise CheckpointNotFoundError(_explain_missing(path))
    try:
        with os.scandir(path) as found:
            sizes = {
                entry.name: entry.stat().st_size if entry.is_file() else None
                for entry in found
                if not entry.name.startswith(".")
            }
    except OSError as error:
        raise CheckpointError(Errors.SB318.format(source=path, error=error)) from error
    regular = {name: size for name, size in sizes.items() if size is not None}
    files = FolderFiles(path, regular, None)
    if not is_own:
        return files
    text = files.read_text(manifests.NAME)
    entries = manifests.parse_manifest(text, source=files.where(manifests.NAME))
    del sizes[manifests.NAME]
    manifests.check_listing(entries, sizes, source=str(path))
    return FolderFiles(path, {name: regular[name] for name in entries}, entries)


def open_memory(files: Mapping[str, bytes], *, source: str) -> MemoryFiles:
    """Check the list of files in memory, whose contents are checked when they are read.

    files (Mapping[str, bytes]): Files by name, with their manifest.
    source (str): Where they come from, for messages.
    RETURNS (MemoryFiles): The files.
    RAISES (CheckpointError): They are not what their manifest says.
    """
    text = MemoryFiles(source, files, None).read_text(manifests.NAME)
    entries = manifests.parse_manifest(text, source=f"{source}: {manifests.NAME}")
    rest = {name: data for name, data in files.items() if name != manifests.NAME}
    manifests.check_listing(entries, {n: len(data) for n, data in rest.items()}, source=source)
    return MemoryFiles(source, rest, entries)


def _explain_missing(path: Path) -> str:
    if path.exists():
        return Errors.SB302.format(path=path)
    return Errors.SB301.format(path=path.absolute(), name=path, hint="")

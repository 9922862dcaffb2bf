"""A disk that fails at the n-th thing that is asked of it."""

import builtins
import errno
import io
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch

ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES)
# Opening to write counts, opening to read does not: what is tested is saving.
WRITING = set("wxa+")


class FailingDisk:
    """Lets the n-th write, flush, sync, rename or opening fail, as a full or broken disk does.

    n (int): Which one, from 1; above the number of calls: none.
    code (int): What the system says.
    lasts (bool): Whether every later one fails, too.
    """

    def __init__(self, n: int, code: int, *, lasts: bool = False) -> None:
        self.n, self.code, self.lasts, self.count = n, code, lasts, 0

    @property
    def has_failed(self) -> bool:
        return self.count >= self.n

    def ask(self) -> None:
        self.count += 1
        if self.count == self.n or (self.lasts and self.count > self.n):
            raise OSError(self.code, os.strerror(self.code))

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.ask()
            return function(*args, **kwargs)

        return call

    def wrap_open(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            if not WRITING & set(mode):
                return function(file, mode, *args, **kwargs)
            self.ask()
            return FailingFile(function(file, mode, *args, **kwargs), self)

        return call

    def wrap_save(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """safetensors writes from Rust: half a file, then an error of its own."""

        def call(tensors: Any, filename: Any, *args: Any, **kwargs: Any) -> Any:
            function(tensors, filename, *args, **kwargs)
            try:
                self.ask()
            except OSError as error:
                os.truncate(filename, os.path.getsize(filename) // 2)
                raise safetensors.SafetensorError(f"I/O error: {error}") from error

        return call

    @contextmanager
    def plugged_in(self) -> Iterator["FailingDisk"]:
        from spacy_bert_plugin.training import sealed

        with pytest.MonkeyPatch.context() as patch:
            for name in ("replace", "rename", "fsync", "mkdir"):
                patch.setattr(os, name, self.wrap(getattr(os, name)))
            patch.setattr(builtins, "open", self.wrap_open(builtins.open))
            patch.setattr(io, "open", self.wrap_open(io.open))
            # In C these two copy without any of the above.
            patch.setattr(shutil, "_USE_CP_SENDFILE", False, raising=False)
            patch.setattr(sealed, "save_file", self.wrap_save(sealed.save_file))
            yield self


class FailingFile:
    """A file whose writes and flushes ask the disk first. What was written before stays."""

    def __init__(self, stream: Any, disk: FailingDisk) -> None:
        self._stream, self._disk = stream, disk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __enter__(self) -> "FailingFile":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._stream)

    def write(self, data: Any) -> Any:
        self._write_half(data)
        return self._stream.write(data)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        self._disk.ask()
        self._stream.flush()

    def close(self) -> None:
        if self._stream.closed:
            return
        self._stream.close()
        if self._stream.mode != "r":
            self._disk.ask()

    def _write_half(self, data: Any) -> None:
        try:
            self._disk.ask()
        except OSError:
            self._stream.write(data[: len(data) // 2])
            raise


def read_tree(path: Path) -> dict[str, bytes]:
    """All files below a folder, by their path in it."""
    files = (found for found in sorted(path.rglob("*")) if found.is_file())
    return {str(found.relative_to(path)): found.read_bytes() for found in files}

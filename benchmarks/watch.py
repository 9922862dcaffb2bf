"""Notes what files of a model must never cause: code, processes, network, writing."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Events of Python's own audit: https://docs.python.org/3/library/audit_events.html
NEVER = (
    *("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.bind"),
    *("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn"),
    "pickle.find_class",
    *("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.symlink", "shutil.rmtree", "os.chmod"),
)
# What loads code, which the folder has none of.
LOADING = ("exec", "compile", "ctypes.dlopen", "import")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class Watch:
    """Everything that happens while it is on and should not.

    folder (Path): Where the files lie: nothing in it is code.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder.resolve())
        self.is_on = False
        self.found: list[str] = []
        # A hook can never be taken away again, so there is one, with a switch.
        sys.addaudithook(self._hear)

    @contextmanager
    def on(self) -> Iterator[list[str]]:
        """Watch the block. YIELDS (list[str]): What has happened in it, in the end."""
        self.found, before = [], set(sys.modules)
        self.is_on = True
        try:
            yield self.found
        finally:
            self.is_on = False
            for name in set(sys.modules) - before:
                file = str(getattr(sys.modules[name], "__file__", "") or "")
                if file.startswith(self.folder) or name.split(".")[0] == "transformers_modules":
                    self.found.append(f"imported {name}")

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.is_on:
            return
        if "torchinductor" in str(arguments[:1]):
            return  # the folder of torch's compiler, which importing some models makes
        is_ours = any(isinstance(a, str) and a.startswith(self.folder) for a in arguments)
        is_writing = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING
        if is_writing and "__pycache__" in str(arguments[0]):
            return  # of modules that were installed
        if event in NEVER or is_writing or (is_ours and event in LOADING):
            self.found.append(f"{event} {arguments!r:.100}")

"""Checkpoints of the Hugging Face hub, through its own client and cache.

One short request decides what happens: is the hub there, does it have the model, which files are to
be had. Only then are files downloaded, and only those that are read. A hub out of reach costs
seconds, once, and a copy in the cache is used without it.
"""

import hashlib
import os
import queue
import re
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from ..errors import CheckpointError, CheckpointNotFoundError, Errors
from .files import open_folder
from .manifest import hash_file
from .shards import FOREIGN, INDEX, WEIGHTS, read_index

FILES = (
    "config.json",
    "*.safetensors",
    INDEX,
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "special_tokens_map.json",
)
REQUEST_SECONDS = 5.0
DEADLINE_SECONDS = 8.0
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
_REPOSITORY = re.compile(rf"{_PART}(/{_PART})?", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}", re.ASCII)
_SHARD = re.compile(r"model(-\d+-of-\d+)?\.safetensors", re.ASCII)
_T = TypeVar("_T")


def is_repository(name: str) -> bool:
    """Whether the hub could have a model of this name: "owner/model" or "model"."""
    return bool(_REPOSITORY.fullmatch(name)) and ".." not in name and "--" not in name


def download_snapshot(
    name: str,
    *,
    revision: str | None = None,
    endpoint: str | None = None,
    cache_dir: Path | None = None,
    deadline: float = DEADLINE_SECONDS,
) -> Path:
    """Get the folder of a model in the hub's cache, downloading what is not there.

    name (str): "owner/model".
    revision (str | None): Branch, tag or commit; a full commit hash that is in the cache needs
        no network at all.
    endpoint (str | None): Another address than HF_ENDPOINT or the hub's.
    cache_dir (Path | None): Another folder than the hub's cache.
    deadline (float): Seconds after which a hub that has not answered is out of reach.
    RETURNS (Path): The folder. Weights are safetensors; nothing else was downloaded.
    RAISES (CheckpointNotFoundError): The model or revision does not exist, is gated, or is not in
        the cache while the hub is out of reach.
    RAISES (CheckpointError): It has no safetensors, or the download is damaged.
    """
    from huggingface_hub import constants

    call = _Call(name, revision, endpoint, cache_dir)
    if revision is not None and _COMMIT.fullmatch(revision) and (cached := call.find_cached()):
        return cached
    if constants.HF_HUB_OFFLINE:
        return call.find_cached() or call.give_up(OSError("HF_HUB_OFFLINE is set"))
    try:
        listed = run_with_deadline(call.list_files, seconds=deadline)
    except CheckpointError:
        raise
    except Exception as error:  # noqa: BLE001 - each release of the client has its own
        return call.find_cached() or call.give_up(error)
    patterns = select_files(listed, source=name)
    return call.download(patterns)


def select_files(names: Sequence[str], *, source: str) -> list[str]:
    """Choose what to download.

    names (Sequence[str]): All files of a model on the hub.
    source (str): The model, for messages.
    RETURNS (list[str]): The files that a checkpoint needs: one set of weights, no sub-folders.
    RAISES (CheckpointError): There is no config.json, or no weights as safetensors.
    """
    plain = [name for name in names if "/" not in name]
    shown = ", ".join(sorted(plain)[:10]) or "no files"
    if "config.json" not in plain:
        raise CheckpointError(
            Errors.SB310.format(source=source, expected="'config.json'", got=shown)
        )
    if WEIGHTS in plain:
        weights = [WEIGHTS]
    elif INDEX in plain:
        weights = [INDEX, *(name for name in plain if _SHARD.fullmatch(name))]
    else:
        foreign = sorted(name for name in plain if name.endswith(FOREIGN))
        if foreign:
            got = ", ".join(foreign[:5])
            raise CheckpointError(Errors.SB312.format(source=source, got=got))
        raise CheckpointError(
            Errors.SB310.format(source=source, expected=f"'{WEIGHTS}'", got=shown)
        )
    return weights + [name for name in FILES if name in plain and name != INDEX]


def run_with_deadline(function: Callable[[], _T], *, seconds: float) -> _T:
    """Call a function that may hang, in name resolution say, where no timeout reaches.

    function (Callable): What to call. After the deadline its thread is left to end by itself.
    seconds (float): The deadline.
    RETURNS: What the function returns. What it raises is raised here.
    RAISES (TimeoutError): It has not returned in time.
    """
    answers: queue.Queue[tuple[_T | None, BaseException | None]] = queue.Queue(1)

    def work() -> None:
        try:
            answers.put((function(), None))
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread
            answers.put((None, error))

    threading.Thread(target=work, daemon=True).start()
    try:
        value, error = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {seconds:g} seconds") from None
    if error is not None:
        raise error
    return value  # type: ignore[return-value]


class _Call:
    """One model that is asked for."""

    def __init__(
        self, name: str, revision: str | None, endpoint: str | None, cache_dir: Path | None
    ) -> None:
        from huggingface_hub import constants

        self.name, self.revision, self.cache_dir = name, revision, cache_dir
        self.endpoint = endpoint or constants.ENDPOINT

    def list_files(self) -> list[str]:
        """Ask the hub for the names of the files."""
        from huggingface_hub import HfApi, errors

        try:
            info = HfApi(endpoint=self.endpoint).model_info(
                self.name, revision=self.revision, timeout=REQUEST_SECONDS
            )
        except errors.GatedRepoError:
            raise CheckpointNotFoundError(Errors.SB306.format(name=self.name)) from None
        except errors.RevisionNotFoundError:
            raise CheckpointNotFoundError(
                Errors.SB305.format(name=self.name, revision=self.revision)
            ) from None
        except errors.RepositoryNotFoundError:
            path = Path(self.name).absolute()
            raise CheckpointNotFoundError(
                Errors.SB304.format(endpoint=self.endpoint, name=self.name, path=path)
            ) from None
        return [str(sibling.rfilename) for sibling in info.siblings or []]

    def download(self, patterns: list[str]) -> Path:
        """Download files and check those that are new against the hub's own hashes."""
        started = time.time()
        try:
            folder = self._snapshot(allow_patterns=patterns, ignore_patterns=["*/*"])
            damaged = [p for p in sorted(folder.iterdir()) if _is_damaged(p, since=started - 2)]
        except Exception as error:  # noqa: BLE001 - each release of the client has its own
            reason = shorten(error)
            raise CheckpointError(
                Errors.SB308.format(name=self.name, endpoint=self.endpoint, reason=reason)
            ) from None
        for path in damaged:  # or the cache would give them out for ever
            os.unlink(path.resolve())
            path.unlink()
        missing = [name for name in patterns if not (folder / name).is_file()]
        if damaged or missing:
            reason = f"{', '.join([*(p.name for p in damaged), *missing])} did not come whole"
            raise CheckpointError(
                Errors.SB308.format(name=self.name, endpoint=self.endpoint, reason=reason)
            )
        return folder

    def find_cached(self) -> Path | None:
        """Look the model up in the cache. A download that was cut off does not count."""
        try:
            folder = self._snapshot(local_files_only=True)
        except Exception:  # noqa: BLE001 - each release of the client has its own
            return None
        return folder if self._is_complete(folder) else None

    def _is_complete(self, folder: Path) -> bool:
        try:
            files = open_folder(folder)
            select_files(list(files.sizes), source=self.name)
            if WEIGHTS not in files:
                read_index(files)
        except CheckpointError:
            return False
        is_bpe = "vocab.json" in files and "merges.txt" in files
        return "tokenizer.json" in files or "vocab.txt" in files or is_bpe

    def give_up(self, error: Exception) -> Path:
        """Say that there is neither a hub nor a copy. RAISES (CheckpointNotFoundError): Always."""
        path = Path(self.name).absolute()
        raise CheckpointNotFoundError(
            Errors.SB307.format(name=self.name, reason=shorten(error), path=path)
        ) from error

    def _snapshot(self, **options: Any) -> Path:
        from huggingface_hub import snapshot_download

        folder = snapshot_download(
            self.name,
            revision=self.revision,
            endpoint=self.endpoint,
            cache_dir=self.cache_dir,
            etag_timeout=REQUEST_SECONDS,
            **options,
        )
        return Path(folder)


def _is_damaged(path: Path, *, since: float) -> bool:
    """Compare a file of the cache with the hash that the hub gave for it, if it is new.

    The cache stores contents under the hub's hash and links to them: a SHA-256 for large files, a
    git object id for small ones. Where there are no links nothing can be compared.
    """
    blob = path.resolve()
    if not path.is_symlink() or not blob.is_file() or blob.stat().st_mtime < since:
        return False
    digits = blob.name
    if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", digits):
        return False
    started = None
    if len(digits) == 40:
        started = hashlib.sha1(b"blob %d\0" % blob.stat().st_size, usedforsecurity=False)
    return hash_file(blob, started) != digits


def shorten(error: BaseException) -> str:
    """Say in one line of at most 300 characters what went wrong."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"

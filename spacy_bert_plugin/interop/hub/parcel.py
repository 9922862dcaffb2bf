"""What belongs to a pipeline, and nothing else: the files that go to a hub.

    model-best/config.cfg, meta.json, tokenizer, README.md, LICENSE     go
    model-best/vocab/, model-best/bert_ner/, ...                        go: a folder a component
    model-best/.env, model-best/log.jsonl, model-best/notes/            stay
    model-best/bert_ner/.cache, model-best/bert_ner/old.pkl             stay

The files lie as links in a folder of their own, from which the pipeline is loaded before it goes
anywhere: what stayed was not needed.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...checkpoints.hub import shorten
from ...errors import CheckpointError, CheckpointNotFoundError, Errors

REQUIRED = ("config.cfg", "meta.json")
ALWAYS = {*REQUIRED, "tokenizer", "vocab", "README.md", "LICENSE", "LICENSES_SOURCES"}
# Pickles, programs and keys, wherever they lie. spaCy itself writes vocab/lookups.bin.
UNSAFE = re.compile(
    r".*\.(pkl|pickle|pt|pth|ckpt|pyc|so|dll|exe|sh|pem|key)|(pytorch_model|training_args).*\.bin",
    re.IGNORECASE,
)
READ_FOR_SECRETS = ("config.cfg", "meta.json", "README.md")
SECRETS = {
    "an access token of a hub": r"\bhf_[A-Za-z0-9]{20,}\b",
    "an access token of a code host": r"\b(gh[pousr]_[A-Za-z0-9]{30,}|glpat-[\w-]{20,})",
    "a key of a cloud": r"\bAKIA[0-9A-Z]{16}\b",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
}


@dataclass
class Parcel:
    """Files of a pipeline, ready to go.

    meta: The pipeline's own meta, with the labels of its components.
    files: Where each file lies, by its path in the repository.
    left_out: What of the folder stays, by path.
    machine_paths: Folders and files of this machine that the config names, by section and key.
    """

    source: str
    meta: dict[str, Any]
    files: dict[str, Path] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    machine_paths: dict[str, str] = field(default_factory=dict)

    @property
    def n_bytes(self) -> int:
        """Size of all files."""
        return sum(path.stat().st_size for path in self.files.values())


@contextmanager
def pack_pipeline(source: str | Path) -> Iterator[Parcel]:
    """Collect the files of a pipeline and check that they load by themselves.

    source (str | Path): A folder, a wheel that `spacy package` built, or an installed pipeline.
    YIELDS (Parcel): Its files, which are there until the block ends. A wheel is one of them.
    RAISES (CheckpointNotFoundError): It is no pipeline.
    RAISES (CheckpointError): It does not load, or holds a secret.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = _open_source(source, Path(scratch) / "wheel")
        meta = _read_meta(folder, source)
        files, left_out = select_files(folder, components=list_components(meta))
        _check_secrets(folder, files, source=source)
        staged = Path(scratch) / "parcel"
        for name in files:
            _link(folder / name, staged / name)
        nlp = _load(staged, source=source, left_out=left_out)
        parcel = Parcel(str(source), dict(nlp.meta), left_out=left_out)
        parcel.files = {name: staged / name for name in files}
        parcel.machine_paths = find_machine_paths(nlp.config)
        if str(source).endswith(".whl"):
            parcel.files[Path(source).name] = Path(source)
        yield parcel


def select_files(folder: Path, *, components: set[str]) -> tuple[list[str], list[str]]:
    """Choose what belongs to a pipeline.

    folder (Path): The pipeline's folder.
    components (set[str]): Names of its components.
    RETURNS (tuple): What goes, and what stays, as paths with "/"; a folder that stays whole
        ends in "/".
    """
    goes: list[str] = []
    stays: list[str] = []
    for path in sorted(folder.iterdir()):
        if path.name not in ALWAYS | components:
            stays.append(path.name + "/" * path.is_dir())
        elif path.is_dir():
            for inner in sorted(p for p in path.rglob("*") if not p.is_dir()):
                name = inner.relative_to(folder).as_posix()
                (goes if _is_plain(inner, folder) else stays).append(name)
        else:
            (goes if _is_plain(path, folder) else stays).append(path.name)
    return goes, stays


def list_components(meta: Mapping[str, Any]) -> set[str]:
    """Names of all components, disabled ones too."""
    return {*meta.get("components", []), *meta.get("pipeline", []), *meta.get("disabled", [])}


def find_machine_paths(config: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Find the absolute paths that a config names.

    RETURNS (dict[str, str]): Path by section and key, as in "paths.train".
    """
    found: dict[str, str] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            found |= find_machine_paths(value, f"{prefix}{key}.")
        elif isinstance(value, str) and os.path.isabs(value):
            found[f"{prefix}{key}"] = value
    return found


def _is_plain(path: Path, folder: Path) -> bool:
    """Whether a file of a component may go: not hidden, not executable in any way, in the folder.

    A link within the cache of a hub is fine: its parent is the folder of all versions.
    """
    inner = path.relative_to(folder)
    if any(part.startswith(".") or part == "__pycache__" for part in inner.parts):
        return False
    if UNSAFE.fullmatch(path.name) or not path.is_file():
        return False
    real = path.resolve()
    return real.is_relative_to(folder.resolve()) or real.parent.name == "blobs"


def _open_source(source: str | Path, scratch: Path) -> Path:
    """Find the folder with config.cfg."""
    path = Path(source)
    if path.is_dir():
        return path
    if path.is_file():
        if not zipfile.is_zipfile(path) or path.suffix != ".whl":
            raise _not_a_pipeline(source, "it is a file, and no wheel")
        with zipfile.ZipFile(path) as archive:
            hidden = [n for n in archive.namelist() if re.search(r"(^|/)\.", n)]
            if hidden:
                raise _not_a_pipeline(source, f"the wheel holds hidden files ({hidden[0]})")
            archive.extractall(scratch)
        return _find_data(scratch, source)
    from spacy.util import get_package_path, is_package

    if not is_package(str(source)):
        raise _not_a_pipeline(source, "there is neither such a folder nor such a package")
    return _find_data(get_package_path(str(source)), source)


def _find_data(folder: Path, source: str | Path) -> Path:
    found = sorted({*folder.glob("*/config.cfg"), *folder.glob("*/*/config.cfg")})
    if len(found) != 1:
        raise _not_a_pipeline(source, f"{len(found)} folders in it have a config.cfg")
    return found[0].parent


def _read_meta(folder: Path, source: str | Path) -> dict[str, Any]:
    import srsly

    missing = [name for name in REQUIRED if not (folder / name).is_file()]
    if missing:
        raise _not_a_pipeline(source, f"{' and '.join(missing)} missing")
    with suppress(ValueError):
        meta = srsly.read_json(folder / "meta.json")
        if isinstance(meta, dict) and isinstance(meta.get("components", []), list):
            return meta
    raise _not_a_pipeline(source, "meta.json cannot be read")


def _not_a_pipeline(source: str | Path, problem: str) -> CheckpointNotFoundError:
    return CheckpointNotFoundError(Errors.SB780.format(path=source, problem=problem))


def _check_secrets(folder: Path, files: list[str], *, source: str | Path) -> None:
    for name in READ_FOR_SECRETS:
        if name not in files:
            continue
        text = (folder / name).read_text(encoding="utf8", errors="replace")
        for what, pattern in SECRETS.items():
            if re.search(pattern, text):
                raise CheckpointError(Errors.SB782.format(name=name, path=source, what=what))


def _link(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.symlink(path.resolve(), target)
    except OSError:  # Windows, without the right to link
        shutil.copyfile(path, target)


def _load(staged: Path, *, source: str | Path, left_out: list[str]) -> Any:
    import spacy

    try:
        return spacy.load(staged)
    except Exception as error:  # components of others raise whatever they like
        shown = ", ".join(left_out[:10]) or "nothing"
        raise CheckpointError(
            Errors.SB781.format(path=source, reason=shorten(error), left_out=shown)
        ) from error

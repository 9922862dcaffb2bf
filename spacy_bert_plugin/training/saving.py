"""Whole pipelines saved at once or not at all, which `nlp.to_disk` does not do.

`nlp.to_disk` writes file by file into the folder, so a full disk or a killed process leaves some of
the old model and some of the new one, and nothing tells.
"""

import os
from pathlib import Path
from typing import Any

import srsly
from spacy.language import Language

from ..checkpoints.atomic import lock_folder, remove_leftovers
from ..errors import CheckpointError, Errors
from .folders import explain_disk, replace_folder

# What spaCy writes beside the folders of components.
_PARTS = ("config.cfg", "meta.json", "tokenizer", "vocab")


def save_pipeline(nlp: Language, path: str | Path) -> None:
    """Save a pipeline so that its folder holds the old one or the new one, whatever happens.

    nlp (Language): The pipeline.
    path (str | Path): Its folder, as for `nlp.to_disk`. A pipeline that lies there is replaced.
    RAISES (CheckpointError): It could not be written, or the folder holds something that belongs to
        no pipeline. What was there is still there.
    """
    target = Path(os.path.realpath(path))
    with explain_disk(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with lock_folder(target.parent) as is_locked:
            if is_locked:
                remove_leftovers(target)
            _check_replaceable(target)
            with replace_folder(target) as staged:
                nlp.to_disk(staged)


def _check_replaceable(path: Path) -> None:
    """Refuse to replace what a pipeline did not write."""
    if not path.exists():
        return
    if not path.is_dir():
        raise CheckpointError(Errors.SB435.format(path=path, got="a file"))
    names = set(os.listdir(path)) - {".DS_Store"}
    foreign = sorted(names - _list_known(path)) if names else []
    if foreign:
        raise CheckpointError(Errors.SB435.format(path=path, got=f"'{foreign[0]}'"))


def _list_known(path: Path) -> set[str]:
    """Names that the pipeline in a folder accounts for."""
    try:
        meta: Any = srsly.read_json(path / "meta.json")
        return {*_PARTS, *map(str, meta["components"])}
    except (OSError, ValueError, KeyError, TypeError):
        return set()

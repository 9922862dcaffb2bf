"""From the name in a config to a folder on disk."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import CheckpointError, CheckpointNotFoundError, Errors
from .embedded import EMBEDDED, fetch_embedded, locate_embedded
from .hub import download_snapshot, is_repository

_PATH_LIKE = re.compile(r"[.~/\\]|[A-Za-z]:[/\\]|.*([\\]|/$|/.*/)", re.DOTALL)


def resolve_checkpoint(name: str | Path, *, revision: str | None = None) -> Path:
    """Find the folder of a checkpoint.

    name (str | Path): A local folder, for which no network is ever used; the name of an embedded
        encoder ("minilm-l6"), fetched once into a cache; or a model of the hub ("owner/model").
    revision (str | None): Branch, tag or commit of a model of the hub.
    RETURNS (Path): The folder.
    RAISES (CheckpointNotFoundError): There is no such folder, or no such model. What looks like
        a path is never looked for on the hub.
    RAISES (CheckpointError): A name that cannot be one, or a damaged download.
    """
    text = os.fspath(name)
    if not text or "\0" in text:
        raise CheckpointError(Errors.SB303.format(name=text[:200]))
    # os.path takes any text, where pathlib raises for names that a system cannot have.
    path = Path(os.path.expanduser(text))
    if os.path.isdir(path):
        return path
    if os.path.exists(path):
        raise CheckpointError(Errors.SB302.format(path=path))
    # A folder beside which the name would lie makes it a path, too: "encoders/minilm" must not
    # be looked for on the hub, where a stranger may own it, because it was not fetched yet.
    is_beside = len(path.parts) > 1 and os.path.isdir(path.parent)
    if isinstance(name, Path) or _PATH_LIKE.match(text) or is_beside:
        raise CheckpointNotFoundError(
            Errors.SB301.format(path=path.absolute(), name=text[:200], hint="")
        )
    if text in EMBEDDED:
        return fetch_embedded(text, locate_embedded(text)).path
    if not is_repository(text):
        raise CheckpointError(Errors.SB303.format(name=text[:200]))
    return download_snapshot(text, revision=revision)


def find_width(name: str | None, sizes: Mapping[str, Any]) -> int | None:
    """Tell how wide vectors will be, before there are weights.

    Folders are not asked: what lies in them now need not be what a saved pipeline was made from.

    name (str | None): As in `resolve_checkpoint`; None for random weights of the `sizes`.
    RETURNS (int | None): None if only the weights will tell.
    """
    if name is None:
        width = sizes.get("width")
        return width if isinstance(width, int) and width > 0 else None
    if name in EMBEDDED and not os.path.exists(name):
        return EMBEDDED[name].width
    return None

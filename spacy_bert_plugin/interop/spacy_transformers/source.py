"""Where a pipeline lies: a folder, or a package that is installed."""

from pathlib import Path
from typing import Any

from spacy.util import get_package_path, is_package, load_config
from srsly import read_json

from ...errors import Errors, SettingError

CONFIG, META = "config.cfg", "meta.json"


def is_pipeline(source: str | Path) -> bool:
    """Whether a name or path leads to a saved pipeline of spaCy.

    source (str | Path): A folder, or the name of a package.
    """
    return _find(source) is not None


def find_pipeline(source: str | Path) -> Path:
    """Find the folder of a pipeline.

    RETURNS (Path): The folder that `nlp.to_disk` wrote.
    RAISES (SettingError): There is none.
    """
    found = _find(source)
    if found is None:
        raise SettingError(Errors.SB774.format(source=source))
    return found


def read_config(path: Path) -> Any:
    """Read the config of a pipeline, with its variables as they are written.

    RAISES (SettingError): It cannot be read.
    """
    try:
        return load_config(path / CONFIG, interpolate=False)
    except ValueError as error:
        raise SettingError(Errors.SB773.format(error=str(error).strip())) from error


def _find(source: str | Path) -> Path | None:
    path = Path(source)
    if not path.is_dir() and is_package(str(source)):
        path = get_package_path(str(source))
    if not (path / META).is_file():
        return None
    if (path / CONFIG).is_file():
        return path
    meta = read_json(path / META)
    inner = path / f"{meta.get('lang')}_{meta.get('name')}-{meta.get('version')}"
    return inner if (inner / CONFIG).is_file() and (inner / META).is_file() else None

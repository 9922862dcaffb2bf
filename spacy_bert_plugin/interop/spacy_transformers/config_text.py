"""The text of a config: theirs -> ours."""

from spacy.language import DEFAULT_CONFIG
from spacy.util import load_config_from_str

from ...errors import Errors, SettingError
from .changes import Change, Changes
from .convert_config import convert_config


def import_config(text: str) -> str:
    """Turn a config for spacy-transformers or spacy-curated-transformers into one of ours.

    text (str): The config, filled in or not. Comments are lost.
    RETURNS (str): The config for this package. Names of components stay; settings of training that
        were left out are there, with spaCy's defaults.
    RAISES (SettingError): It is no config, or something in it has no counterpart.
    """
    return convert_config_text(text)[0]


def convert_config_text(text: str) -> tuple[str, list[Change]]:
    """The same, with what was changed and why.

    RETURNS (tuple[str, list[Change]]): The new config; every change, in order.
    RAISES (SettingError): It is no config, or something in it has no counterpart.
    """
    changes = Changes()
    try:
        config = load_config_from_str(text, interpolate=False)
    except ValueError as error:
        raise SettingError(Errors.SB773.format(error=str(error).strip())) from error
    convert_config(config, changes, is_trained=False)
    # The form on spacy.io gives a config that is not filled in, which spaCy does not train.
    config = DEFAULT_CONFIG.merge(config)
    return config.to_str(interpolate=False) + "\n", changes.listed

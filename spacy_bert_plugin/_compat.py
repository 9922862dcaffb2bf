"""Optional imports. Each missing one becomes an error that names the extra to install."""

import importlib
from types import ModuleType

from .errors import Errors, MissingDependencyError

# module -> what to install
EXTRAS = {
    "torch": "torch>=2.10",
    "tokenizers": "tokenizers>=0.21",
    "safetensors": "safetensors>=0.5",
    "spacy_transformers": "spacy-bert-plugin[spacy-transformers]",
    "onnx": "spacy-bert-plugin[onnx]",
    "onnxruntime": "spacy-bert-plugin[onnx]",
    "cupy": "spacy-bert-plugin[cuda12x]",
    "matplotlib": "spacy-bert-plugin[viz]",
}


def import_optional(module: str, *, purpose: str) -> ModuleType:
    """Import a module that only some features need.

    module (str): Dotted name.
    purpose (str): What needs it, for the message.
    RETURNS (ModuleType): The module.
    RAISES (MissingDependencyError): It is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        target = EXTRAS.get(module.partition(".")[0], module)
        raise MissingDependencyError(
            Errors.SB001.format(module=module, purpose=purpose, target=target, error=error)
        ) from error

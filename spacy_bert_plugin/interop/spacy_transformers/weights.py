"""The encoder of a pipeline of spacy-transformers, as a checkpoint of ours."""

import json
import tempfile
from pathlib import Path
from typing import Any

import srsly

from ..._compat import EXTRAS
from ...checkpoints import LoadedCheckpoint, load_checkpoint
from ...errors import CheckpointError, Errors, MissingDependencyError

LIBRARY = "spacy_transformers"
EPS = 1e-12


def read_encoder(path: Path, name: str) -> LoadedCheckpoint:
    """Read the weights and the tokenizer of a shared encoder.

    path (Path): The pipeline.
    name (str): Name of the component.
    RETURNS (LoadedCheckpoint): On the CPU.
    RAISES (CheckpointError): There are no weights, or they cannot be read.
    RAISES (MissingDependencyError): They are a pickle, and spacy-transformers, which reads it, is
        not installed.
    """
    model = path / name / "model"
    if model.is_dir():  # a Hugging Face folder, as releases up to 1.0 wrote it
        return load_checkpoint(model)
    if not model.is_file():
        got = "an empty folder" if (path / name).is_dir() else "no such folder"
        raise CheckpointError(Errors.SB777.format(name=name, path=model, got=got))
    shims = _read_shims(model, name)
    try:
        from spacy_transformers.data_classes import HFObjects
        from spacy_transformers.layers.hf_shim import HFShim
    except ImportError as error:
        message = Errors.SB775.format(
            name=name, path=model, error=error, target=EXTRAS["spacy_transformers"]
        )
        raise MissingDependencyError(message) from error
    shim = HFShim(HFObjects(None, None, None))
    # Their own reading: torch unpickles tensors alone, and no code.
    shim.from_bytes(shims[0])
    theirs = shim._hfmodel
    if theirs.transformer is None:
        got = "a pipeline that was never initialised"
        raise CheckpointError(Errors.SB777.format(name=name, path=model, got=got))
    with tempfile.TemporaryDirectory() as folder:
        theirs.transformer.save_pretrained(folder, safe_serialization=True)
        theirs.tokenizer.save_pretrained(folder)
        _restore_eps(Path(folder) / "config.json")
        return load_checkpoint(Path(folder))


def _restore_eps(path: Path) -> None:
    """Give numbers that are added before a division back what a save has made of them.

    The JSON writer of spaCy turns 1e-12, BERT's, into 0.0, and spacy-transformers writes a config
    with it each time that it loads a pipeline.
    """
    config = json.loads(path.read_text(encoding="utf8"))
    config.update({key: EPS for key, v in config.items() if key.endswith("_eps") and v == 0.0})
    path.write_text(json.dumps(config), encoding="utf8")


def _read_shims(path: Path, name: str) -> list[bytes]:
    """What the torch module of a thinc model was written as."""
    try:
        stored: Any = srsly.msgpack_loads(path.read_bytes())
        shims = [data for node in stored["shims"] for data in node if isinstance(data, bytes)]
    except Exception as error:  # msgpack raises what it likes
        got = f"bytes that are no model ({error})"
        raise CheckpointError(Errors.SB777.format(name=name, path=path, got=got)) from error
    if len(shims) != 1:
        got = f"a model with {len(shims)} torch modules"
        raise CheckpointError(Errors.SB777.format(name=name, path=path, got=got))
    return shims

"""A pipeline in another precision: a new folder that `spacy.load` opens like any other.

MODEL/                          untouched
.OUT.new-3f2a91c0b7d4/          copy of MODEL
  config.cfg                    ... precision (and int8_skip) set
  bert_transformer/             ... weights in half the space, manifest to match
OUT/                            the same folder, renamed when all checks have passed
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree

import torch
from spacy.language import Language
from thinc.api import Config, get_torch_default_device

from ..batching import check_precision
from ..checkpoints import LoadedCheckpoint
from ..errors import Errors, SettingError
from ..layers import get_shim
from ..training.folders import replace_folder
from .encoders import find_encoders, set_precision

# What the matrices of an encoder are stored in. For int8 float16 is fine enough: it rounds 16 times
# finer than int8 does, so all but a few numbers at a border are quantised as before.
STORAGE = {
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
    "int8": torch.float16,
}
_PIPELINE_FILES = ("config.cfg", "meta.json")


@contextmanager
def optimize_pipeline(
    nlp: Language,
    output: Path,
    *,
    precision: str,
    skip: list[str] | None = None,
    use_check: bool = True,
) -> Iterator[Path]:
    """Write a pipeline in another precision. It appears when the block ends, or not at all.

    Weights are rounded to 16 bits where the precision is below fp32, so they can be stored in half
    the space; "fp32" stores them in full, but brings nothing back.

    nlp (Language): Loaded from the folder that is to be copied; it is not changed.
    output (Path): The folder to write. What is there is replaced: see `check_output`.
    precision (str): A key of `STORAGE`.
    skip (list[str] | None): Linear maps that stay out of int8; None: those of the config.
    use_check (bool): Whether this machine has to be able to compute in the precision.
    YIELDS (Path): The new pipeline under a name for the time being, to be loaded and compared.
        An error in the block leaves nothing behind.
    RAISES (SettingError): The machine lacks the precision, there is no encoder, or `skip` does
        not go with the precision.
    """
    encoders = find_encoders(nlp)
    if not encoders:
        pipeline = ", ".join(nlp.component_names) or "no component"
        raise SettingError(Errors.SB730.format(model=nlp.path, pipeline=pipeline))
    if skip and precision != "int8":
        raise SettingError(Errors.SB736.format(precision=precision))
    if use_check:
        check_precision(precision, get_torch_default_device())
    with replace_folder(output.resolve()) as staged:
        copytree(nlp.path, staged)
        config = Config().from_disk(staged / "config.cfg", interpolate=False)
        set_precision(config, precision=precision, skip=skip)
        config.to_disk(staged / "config.cfg")
        for name, encoder in encoders.items():
            with _store_as(get_shim(encoder).checkpoint, STORAGE[precision]):
                nlp.get_pipe(name).to_disk(staged / name, exclude=["vocab"])
        yield staged


def check_output(model: Path, output: Path, *, use_force: bool = False) -> None:
    """Check that a pipeline can be written to a folder without harm to anything.

    model (Path): Folder of the original.
    output (Path): Folder to write.
    use_force (bool): Whether another pipeline that is there may be replaced.
    RAISES (SettingError): The folders are the same, one lies in the other, or something is lost.
    """
    source, target = model.resolve(), output.resolve()
    problem = None
    if target == source:
        problem = "it is the folder of"
    elif source in target.parents:
        problem = "it lies inside"
    elif target in source.parents:
        problem = "it contains"
    if problem:
        raise SettingError(Errors.SB731.format(output=output, problem=problem, model=model))
    if not target.exists():
        return
    if not use_force:
        raise SettingError(Errors.SB664.format(path=output))
    if not all((target / name).is_file() for name in _PIPELINE_FILES):
        raise SettingError(Errors.SB732.format(path=output))


@contextmanager
def _store_as(checkpoint: LoadedCheckpoint, dtype: torch.dtype) -> Iterator[None]:
    """Have weights saved in another type while the block runs."""
    before = checkpoint.storage
    checkpoint.storage = dtype
    try:
        yield
    finally:
        checkpoint.storage = before

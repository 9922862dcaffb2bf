"""The weights of a checkpoint: one safetensors file, or several with an index."""

from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from torch import Tensor

from ..errors import CheckpointError, Errors
from .files import CheckpointFiles, FileReader
from .json_text import parse_json
from .manifest import is_plain_name
from .safetensors_file import TensorEntry, read_header, read_tensors

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
MAX_INDEX = 32 * 1024 * 1024
MAX_SHARDS = 256
# Endings of weights that are pickled, or written by other frameworks.
FOREIGN = (".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".ot", ".pkl", ".onnx", ".gguf")


@dataclass(frozen=True)
class Weights:
    """Open files of weights, their headers read.

    source (str): The file, or the index, for messages.
    shards (list[tuple[FileReader, list[TensorEntry]]]): Each file with its tensors.
    """

    source: str
    shards: list[tuple[FileReader, list[TensorEntry]]]

    @property
    def entries(self) -> dict[str, TensorEntry]:
        """All tensors by name."""
        return {entry.name: entry for _, entries in self.shards for entry in entries}

    def read(self, wanted: Collection[str]) -> Iterator[tuple[str, Tensor]]:
        """Read tensors, once. See `read_tensors`."""
        for reader, entries in self.shards:
            yield from read_tensors(reader, entries, wanted=wanted)


@contextmanager
def open_weights(files: CheckpointFiles) -> Iterator[Weights]:
    """Open the weights of a checkpoint. When the block ends, their hashes are checked.

    files (CheckpointFiles): The checkpoint.
    YIELDS (Weights): Headers, checked; tensors, to be read.
    RAISES (CheckpointError): There are none, they are pickled, or they do not fit their index.
    """
    with ExitStack() as stack:
        if WEIGHTS in files:
            reader = stack.enter_context(files.open(WEIGHTS))
            yield Weights(reader.where, [(reader, read_header(reader))])
            return
        if INDEX not in files:
            raise _explain_missing(files)
        places = read_index(files)
        shards = []
        for name in sorted(set(places.values())):
            reader = stack.enter_context(files.open(name))
            shards.append((reader, read_header(reader)))
        _check_places(files, places, shards)
        yield Weights(files.where(INDEX), shards)


def read_index(files: CheckpointFiles) -> dict[str, str]:
    """Read which file holds each tensor.

    files (CheckpointFiles): The checkpoint.
    RETURNS (dict[str, str]): Name of a tensor -> name of a file.
    RAISES (CheckpointError): A file does not lie in the folder, or the index is damaged.
    """
    source = files.where(INDEX)
    data = parse_json(files.read_text(INDEX, limit=MAX_INDEX), source=source)
    places = data.get("weight_map")
    if not isinstance(places, dict) or not places:
        raise _refuse(files, "it has no 'weight_map'")
    for name in places.values():
        is_name = isinstance(name, str) and is_plain_name(name)
        if not is_name or not name.endswith(".safetensors"):
            raise _refuse(files, f"{str(name)[:80]!r} is not a safetensors file in the folder")
        if name not in files:
            raise _refuse(files, f"the shard '{name}' is missing")
    if len(set(places.values())) > MAX_SHARDS:
        raise _refuse(files, f"it names more than {MAX_SHARDS} shards")
    return places


def _check_places(
    files: CheckpointFiles,
    places: dict[str, str],
    shards: list[tuple[FileReader, list[TensorEntry]]],
) -> None:
    found: set[str] = set()
    for reader, entries in shards:
        for entry in entries:
            expected = places.get(entry.name)
            if entry.name in found or expected is None or reader.where != files.where(expected):
                raise _refuse(files, f"tensor '{entry.name}' should not be in '{reader.where}'")
            found.add(entry.name)
    missing = sorted(set(places) - found)
    if missing:
        raise _refuse(files, f"no shard has the tensors {', '.join(missing[:10])}")


def _explain_missing(files: CheckpointFiles) -> CheckpointError:
    foreign = sorted(name for name in files.sizes if name.endswith(FOREIGN))
    if foreign:
        return CheckpointError(Errors.SB312.format(source=files.source, got=", ".join(foreign[:5])))
    got = ", ".join(sorted(files.sizes)[:10]) or "no files"
    return CheckpointError(
        Errors.SB310.format(source=files.source, expected=f"'{WEIGHTS}'", got=got)
    )


def _refuse(files: CheckpointFiles, error: str) -> CheckpointError:
    return CheckpointError(Errors.SB336.format(source=files.where(INDEX), error=error))

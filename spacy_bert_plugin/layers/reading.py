"""What heads make of vectors in prediction: so many rows at a time, however long a text is."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from spacy.tokens import Doc
from torch import Tensor, nn

from ..heads import Reader, ReadingHead, read_in_runs

if TYPE_CHECKING:
    from .head import HeadModel
    from .listener import BertListener

# Most rows that a head works on at a time: 3 MB of vectors of width 384, which stay in the caches
# of a processor. Blocks of 16,384 take 1.2 times as long there.
BLOCK_ROWS = 2_048
# What the module takes besides the vectors, for these Docs.
InputsT = Callable[[Sequence[Doc]], dict[str, Any]]


class ReadVectors:
    """Stands in the place of the token vectors of a long Doc, which were never all there.

    When the encoder ran, every head that listens has read them a run at a time; this holds what
    the heads have made of them.

    n_tokens: Length of the Doc.
    outputs: By listener, what its head's module gives for this one Doc.
    """

    def __init__(self, n_tokens: int, outputs: dict["BertListener", Any]) -> None:
        self.n_tokens, self.outputs = n_tokens, outputs

    def __len__(self) -> int:
        return self.n_tokens


def find_reading_head(listener: "BertListener") -> "HeadModel | None":
    """Find the head that listens here, if it can read in runs.

    None for components of other libraries, heads that need all vectors at once, and heads
    without weights.
    """
    model: Any = listener.head
    if model is None or model.layers[0] is not listener:
        return None
    return model if isinstance(model.shims[0].module, ReadingHead) else None


def start_reading(model: "HeadModel", doc: Doc) -> Reader:
    """Let a head that `find_reading_head` gave begin to read the token vectors of one Doc."""
    shim: Any = model.shims[0]
    reader: Reader = shim.module.start_reading(len(doc), **model.attrs["read_inputs"](model, [doc]))
    return reader


def predict_rows(
    model: "HeadModel",
    module: nn.Module,
    docs: Sequence[Doc],
    vectors: Sequence[Any],
    to_rows: Callable[[Sequence[Any]], Tensor],
    **inputs: Any,
) -> Any:
    """Run the module of a head without gradient, on at most `BLOCK_ROWS` vectors at a time.

    vectors: One array a Doc, or `ReadVectors`.
    to_rows: Lays arrays end to end, on the device of the module.
    inputs: Further arguments of the module, the same for all Docs.
    """

    def run(part: Sequence[int]) -> Any:
        chosen, arrays = [docs[i] for i in part], [vectors[i] for i in part]
        if len(part) == 1 and isinstance(arrays[0], ReadVectors):
            return arrays[0].outputs[model.layers[0]]  # type: ignore[index]
        given = {**model.attrs["read_inputs"](model, chosen), **inputs}
        rows = to_rows(arrays)
        if len(part) == 1 and len(rows) > BLOCK_ROWS and isinstance(module, ReadingHead):
            return read_in_runs(module, rows, run_size=BLOCK_ROWS, **given)
        lengths = [len(array) for array in arrays]
        return module(rows, lengths=lengths, dropout=0.0, **given)

    if not isinstance(module, ReadingHead):
        return run(range(len(docs)))
    # Those that have been read already are alone, however long they are.
    sizes = [BLOCK_ROWS + 1 if isinstance(v, ReadVectors) else len(v) for v in vectors]
    outputs = [run(part) for part in group_docs(sizes, BLOCK_ROWS)]
    return outputs[0] if len(outputs) == 1 else module.join(outputs)


def group_docs(lengths: Sequence[int], limit: int) -> Iterator[range]:
    """Cut a batch into runs of Docs with at most `limit` rows; longer Docs are alone.

    YIELDS: The Docs of each; none of no Docs is one, so that there always is an output.
    """
    first = total = 0
    for number, length in enumerate(lengths):
        if number > first and total + length > limit:
            yield range(first, number)
            first, total = number, 0
        total += length
    yield range(first, len(lengths))

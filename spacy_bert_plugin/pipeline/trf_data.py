"""`doc._.trf_data`: pieces and hidden states of one Doc, for code written for other wrappers.

It answers to two surfaces. Ragged arrays by token, as in spacy-curated-transformers:
`last_hidden_layer_state`, `all_outputs`. Padded arrays by window, as in spacy-transformers:
`tensors`, `model_output.last_hidden_state`, `wordpieces`, `align`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from spacy.tokens import Doc
from thinc.types import Ragged

from ..errors import ListenerError
from ..layers import EncodedDocs, PreparedDocs
from ..pieces import IntArray, PieceTokenizer, expand_runs
from ..typedefs import Encoder
from .trf_parts import ModelOutput, Wordpieces, find_class, pool_windows

NAME = "trf_data"
_KEY: Any = ("._.", NAME, None, None)  # where spaCy's extension attributes lie in `doc.user_data`
# Output, or the message that says why there is none. Not in `doc.user_data`, so that it does
# not travel into every DocBin.
_outputs: "WeakKeyDictionary[Doc, TransformerOutput | str]" = WeakKeyDictionary()


@dataclass(frozen=True)
class TransformerOutput:
    """Hidden states of one Doc, on the host.

    window_ids: Pieces of each window, special ones included.
        Shape: (n_window_pieces,) each
    window_layers: Embeddings and every layer, for each window.
        Shape: (n_layers + 1, n_window_pieces, width) each
    places: Window and row that each piece of the Doc is kept from.
        Shape: (n_pieces, 2)
    firsts, counts: Which pieces make up each token.
        Shape: (n_tokens,) each
    name_piece: Text of a piece by its id.
    pooled: What the checkpoint's pooler makes of each window; None if it has none.
        Shape: (n_windows, width)
    window_segments: Segment of each piece of each window.
        Shape: (n_window_pieces,) each
    """

    window_ids: list[IntArray]
    window_layers: list[Any]
    places: IntArray
    firsts: IntArray
    counts: IntArray
    name_piece: Callable[[int], str]
    n_layers: int
    width: int
    pooled: Any = None
    window_segments: Sequence[IntArray] = ()

    # All outputs are there: an attribute of spacy-curated-transformers.
    last_layer_only = False

    @classmethod
    def slice(
        cls,
        encoded: EncodedDocs,
        docs: PreparedDocs,
        index: int,
        tokenizer: PieceTokenizer,
        encoder: Encoder,
    ) -> "TransformerOutput":
        """Take one Doc out of a batch that ran with all layers."""
        windows, alignment = docs.windows, docs.alignment
        first, last = np.searchsorted(windows.docs, [index, index + 1])
        piece = int(alignment.doc_pieces[:index].sum())
        token = int(alignment.doc_tokens[:index].sum())
        tokens = slice(token, token + int(alignment.doc_tokens[index]))
        prefix, suffix = list(tokenizer.prefix_ids), list(tokenizer.suffix_ids)
        ids, places = [], [np.zeros((0, 2), dtype=np.int64)]
        segments: list[IntArray] = []
        for number, window in enumerate(range(first, last)):
            start, end = int(windows.starts[window]), int(windows.ends[window])
            ids.append(np.array([*prefix, *docs.ids[start:end].tolist(), *suffix]))
            segments.append(_read_segments(docs, window, len(prefix), len(suffix)))
            kept = np.arange(windows.keep_starts[window], windows.keep_ends[window])
            rows = kept - start + len(prefix)
            places.append(np.stack([np.full_like(rows, number), rows], axis=1))
        kept_from = np.concatenate(places)
        if alignment.places is not None and last > first:
            own = alignment.places[piece : piece + int(alignment.doc_pieces[index])]
            kept_from = kept_from[own - int(windows.keep_starts[first])]
        n_layers, width = encoded.n_layers, int(encoded.tokens.shape[1])
        window_layers = [encoded.window_layers[window] for window in range(first, last)]
        output: TransformerOutput = find_class(cls)(
            ids,
            [layers.numpy() for layers in window_layers],
            kept_from,
            alignment.firsts[tokens] - piece,
            alignment.counts[tokens],
            tokenizer.name_piece,
            n_layers,
            width,
            pool_windows(encoder, window_layers),
            segments,
        )
        return output

    @property
    def num_outputs(self) -> int:
        """Number of hidden states: the embeddings and one a layer."""
        return self.n_layers + 1

    @cached_property
    def all_outputs(self) -> list[Ragged]:
        """Every hidden state, embeddings first, pieces grouped by token.

        Shape: dataXd (n_token_pieces, width), lengths (n_tokens,)
        """
        places = self.places[expand_runs(self.firsts, self.counts)]
        rows = np.zeros((len(places), self.num_outputs, self.width), dtype=np.float32)
        for number, layers in enumerate(self.window_layers):
            here = places[:, 0] == number
            rows[here] = layers[:, places[here, 1]].transpose(1, 0, 2)
        return [
            _make_ragged(np.ascontiguousarray(rows[:, layer]), self.counts)
            for layer in range(self.num_outputs)
        ]

    @property
    def last_hidden_layer_state(self) -> Ragged:
        """Output of the last layer, pieces grouped by token."""
        return self.all_outputs[-1]

    @property
    def all_hidden_layer_states(self) -> list[Ragged]:
        """Output of every layer, without the embeddings."""
        return self.all_outputs[1:]

    @property
    def embedding_layer(self) -> Ragged:
        """Output of the embeddings."""
        return self.all_outputs[0]

    @cached_property
    def hidden_states(self) -> tuple[Any, ...]:
        """Every hidden state by window, padded with zeros.

        Shape: (n_windows, n_longest, width) each
        """
        longest = max((len(ids) for ids in self.window_ids), default=0)
        shape = (self.num_outputs, len(self.window_ids), longest, self.width)
        padded = np.zeros(shape, dtype=np.float32)
        for number, layers in enumerate(self.window_layers):
            padded[:, number, : layers.shape[1]] = layers
        return tuple(padded)

    @property
    def tensors(self) -> tuple[Any, ...]:
        """The last hidden state by window and, where the checkpoint has a pooler, its output.

        Shape: (n_windows, n_longest, width), (n_windows, width)
        """
        return self.model_output.to_tuple()

    @cached_property
    def model_output(self) -> ModelOutput:
        """The same by name: `last_hidden_state`, `pooler_output`; and `hidden_states`."""
        named = {"last_hidden_state": self.hidden_states[-1]}
        if self.pooled is not None:
            named["pooler_output"] = self.pooled
        return ModelOutput(named, hidden_states=self.hidden_states)

    @cached_property
    def wordpieces(self) -> Wordpieces:
        """Pieces by window: `strings`, `input_ids`, `attention_mask`, `lengths`."""
        lengths = [len(ids) for ids in self.window_ids]
        shape = (len(lengths), max(lengths, default=0))
        input_ids, mask = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.float32)
        segments = np.zeros(shape, dtype=np.int64)
        for number, ids in enumerate(self.window_ids):
            input_ids[number, : len(ids)], mask[number, : len(ids)] = ids, 1.0
        for number, own in enumerate(self.window_segments):
            segments[number, : len(own)] = own
        return Wordpieces(
            strings=[[self.name_piece(int(i)) for i in ids] for ids in self.window_ids],
            input_ids=input_ids,
            attention_mask=mask,
            lengths=lengths,
            token_type_ids=segments,
        )

    @cached_property
    def align(self) -> Ragged:
        """For each token, its rows in the padded pieces, windows laid end to end.

        Shape: dataXd (n_token_pieces, 1), lengths (n_tokens,)
        """
        longest = max((len(ids) for ids in self.window_ids), default=0)
        places = self.places[expand_runs(self.firsts, self.counts)]
        rows = places[:, 0] * longest + places[:, 1]
        return _make_ragged(rows.reshape(-1, 1).astype("int32"), self.counts)


def _read_segments(docs: PreparedDocs, window: int, n_prefix: int, n_suffix: int) -> IntArray:
    """Segments of one window, special pieces included. Shape: (n_window_pieces,)"""
    start, end = int(docs.windows.starts[window]), int(docs.windows.ends[window])
    if docs.segments is None:
        return np.zeros(n_prefix + end - start + n_suffix, dtype=np.int64)
    before = np.zeros(n_prefix, dtype=np.int64)
    shown = docs.segments.pieces[start:end]
    return np.concatenate([before, shown, docs.segments.suffix[window]])


def _make_ragged(rows: Any, lengths: Any) -> Ragged:
    return Ragged(rows, lengths.astype("int32"))


def install_trf_data() -> None:
    """Register `doc._.trf_data`. What spacy-transformers stores under it stays readable."""
    if not Doc.has_extension(NAME) or Doc.get_extension(NAME)[2] is not _get_output:
        Doc.set_extension(NAME, getter=_get_output, setter=_set_output, force=True)


def keep_trf_data(doc: Doc, output: TransformerOutput | str) -> None:
    """Remember the output of a Doc, or the message that says why there is none."""
    _outputs[doc] = output


def _get_output(doc: Doc) -> Any:
    found = _outputs.get(doc)
    if isinstance(found, str):
        raise ListenerError(found)
    return doc.user_data.get(_KEY) if found is None else found


def has_foreign_data(doc: Doc) -> bool:
    """Whether an encoder of another library has left its output on a Doc."""
    return doc.user_data.get(_KEY) is not None


def _set_output(doc: Doc, value: Any) -> None:
    doc.user_data[_KEY] = value

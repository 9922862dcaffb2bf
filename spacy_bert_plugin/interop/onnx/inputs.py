"""Docs as the inputs of an exported model.

Windows are padded to the longest. A piece is found by its row among all places of all windows:

    window 0   C a a S .        rows 0 1 2 3 4
    window 1   C b b b S        rows 5 6 7 8 9
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from spacy.tokens import Doc

from ...errors import DataError, Errors
from ...heads.token_classifier import shift
from ...layers.prepare import PreparedDocs, prepare_docs
from ...layers.token_classifier import read_features
from ...pieces import IntArray, PieceTokenizer, TokenRows, map_rows, pack_windows
from .feeding import BERT_NER, BERT_TEXTCAT, ENCODER, Feeding

Feeds = dict[str, npt.NDArray[np.generic]]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Rows:
    """Rows to add up for each result, padded with row 0 and weight 0.

    Shape: rows (n, most), int64; weights (n, most), float32.
    """

    rows: IntArray
    weights: Floats


def make_feeds(docs: Sequence[Doc], tokenizer: PieceTokenizer, feeding: Feeding) -> Feeds:
    """Prepare one batch.

    docs (Sequence[Doc]): At least one; all windows of a Doc are in the same batch.
    RETURNS (dict): An array for each input of the model, and for ENCODER the two of token rows
        as well, for whoever wants one vector a token.
    RAISES (DataError): A Doc is a pair of texts.
    """
    prepared = prepare_docs(
        docs,
        tokenizer,
        max_pieces=int(feeding.pieces["max_pieces"]),
        overlap=int(feeding.pieces["overlap"]),
    )
    if prepared.segments is not None:
        raise DataError(Errors.SB853)
    ids, mask, rows = _lay_out(prepared, tokenizer)
    feeds: Feeds = {"ids": ids, "mask": mask}
    by_token = _pad_groups(rows, prepared, is_first=feeding.pooling == "first")
    wanted = {port.name for port in feeding.inputs}
    if "token_rows" in wanted or feeding.kind == ENCODER:
        feeds.update(token_rows=by_token.rows, token_weights=by_token.weights)
    if feeding.kind == BERT_NER and "features" in wanted:
        feeds["features"] = list_feature_rows(docs, feeding)
    if feeding.kind == BERT_TEXTCAT:
        texts = _pool(prepared, by_token, feeding)
        feeds.update(text_rows=texts.rows, text_weights=texts.weights)
    return feeds


def list_feature_rows(docs: Sequence[Doc], feeding: Feeding) -> IntArray:
    """Rows in the table of features: each token's, then those of its neighbours.

    Shape: (n_tokens, n_features * (1 + 2 * window)), int64
    """
    settings = feeding.head["features"]
    features = read_features(docs, settings["attributes"])
    lengths = [len(doc) for doc in docs]
    n_rows = int(settings["rows"])
    rows = features % n_rows
    for column in range(rows.shape[1]):
        rows[:, column] += column * n_rows + 1
    parts = [rows]
    for distance in range(1, int(settings["window"]) + 1):
        parts += [shift(rows, lengths, distance), shift(rows, lengths, -distance)]
    return np.concatenate([part.numpy() for part in parts], axis=1)


def _lay_out(
    prepared: PreparedDocs, tokenizer: PieceTokenizer
) -> tuple[IntArray, IntArray, TokenRows]:
    """Padded ids and mask, and the rows of all tokens among them."""
    windows = prepared.windows
    chosen = np.arange(len(windows), dtype=np.int64)
    n_prefix = len(tokenizer.prefix_ids)
    packed = pack_windows(
        prepared.ids, windows, chosen, prefix=tokenizer.prefix_ids, suffix=tokenizer.suffix_ids
    )
    (rows,) = map_rows(
        prepared.alignment, windows, [chosen], n_prefix=n_prefix, n_special=tokenizer.n_special
    )
    # Without any piece there is still one window, so that row 0 exists.
    lengths = np.array(packed.lengths or [0], dtype=np.int64)
    longest = max(int(lengths.max()), 1)
    ids = np.full((len(lengths), longest), tokenizer.pad_id, dtype=np.int64)
    mask = (np.arange(longest) < lengths[:, None]).astype(np.int64)
    ids[mask == 1] = packed.ids
    mask[:, 0] = 1
    places = np.flatnonzero((np.arange(longest) < lengths[:, None]).ravel())
    moved = TokenRows(places[rows.rows], rows.weights, rows.firsts, rows.offsets, rows.tokens)
    return ids, mask, moved


def _pad_groups(rows: TokenRows, prepared: PreparedDocs, *, is_first: bool) -> Rows:
    counts = np.zeros(prepared.n_tokens, dtype=np.int64)
    counts[rows.tokens] = np.diff(np.append(rows.offsets, len(rows.rows)))
    return pad_runs(rows.rows, rows.firsts if is_first else rows.weights, counts)


def pad_runs(rows: IntArray, weights: Floats, counts: IntArray) -> Rows:
    """Lay runs of rows under each other: rows a b c, counts 2 0 1 -> a b / 0 0 / c 0.

    Shape: rows and weights (sum of counts,), counts (n,) -> (n, most), most at least 1.
    """
    most = max(int(counts.max(initial=0)), 1)
    is_filled = np.arange(most) < counts[:, None]
    padded = Rows(np.zeros(is_filled.shape, np.int64), np.zeros(is_filled.shape, np.float32))
    padded.rows[is_filled] = rows
    padded.weights[is_filled] = weights
    return padded


def _pool(prepared: PreparedDocs, by_token: Rows, feeding: Feeding) -> Rows:
    """What makes one vector a text: windows, tokens, or pieces of tokens."""
    n_tokens = prepared.alignment.doc_tokens
    if feeding.pooling in ("cls", "pooler"):
        counts = np.bincount(prepared.windows.docs, minlength=len(n_tokens)).astype(np.int64)
        rows = np.arange(len(prepared.windows), dtype=np.int64)
        return pad_runs(rows, _share(counts), counts)
    if feeding.head["pooling"] == "attention":
        rows = np.arange(prepared.n_tokens, dtype=np.int64)
        return pad_runs(rows, np.ones(len(rows), np.float32), n_tokens)
    # Means of means are sums over pieces, so tokens need not be made.
    is_filled = by_token.weights != 0
    owners = np.repeat(np.arange(len(n_tokens)), n_tokens)
    shares = np.repeat(1.0 / np.maximum(n_tokens, 1), n_tokens).astype(np.float32)
    weights = by_token.weights * shares[:, None]
    counts = np.bincount(owners, weights=is_filled.sum(axis=1), minlength=len(n_tokens))
    return pad_runs(by_token.rows[is_filled], weights[is_filled], counts.astype(np.int64))


def _share(counts: IntArray) -> Floats:
    return np.repeat(1.0 / np.maximum(counts, 1), counts).astype(np.float32)

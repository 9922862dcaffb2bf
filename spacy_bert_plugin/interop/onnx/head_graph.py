"""Heads as graphs: sums of rows, and the layers on top of them.

Rows are chosen by index, not by matrix, so that memory grows with the text only:

    row n of the result = weights[n, 0] * x[rows[n, 0]] + weights[n, 1] * x[rows[n, 1]] + ...

Places that a row does not need have weight 0.
"""

from __future__ import annotations

import numpy as np

from ...encoder import BertEncoder
from ...errors import Errors, SettingError
from ...heads import TextClassifier, TokenClassifier
from .graph import GraphBuilder

# Activations with an operator of their own.
OPERATORS = {"gelu": "Gelu", "relu": "Relu", "tanh": "Tanh"}


def flatten_windows(graph: GraphBuilder, vectors: str, *, width: int) -> str:
    """Lay the rows of all windows, padding included, one after the other.

    Shape: vectors (n_windows, length, width) -> (n_windows * length, width).
    """
    shape = graph.weight("flat.shape", np.array([-1, width], np.int64))
    return str(graph.node("Reshape", vectors, shape, name="flat"))


def sum_rows(graph: GraphBuilder, x: str, *, rows: str, weights: str, name: str) -> str:
    """Add up weighted rows.

    Shape: x (n_rows, width); rows and weights (n, most) -> (n, width).
    """
    gathered = graph.node("Gather", x, rows, name=f"{name}.rows")
    spread = graph.node("Unsqueeze", weights, _axes(graph, f"{name}.row", 1), name=f"{name}.spread")
    product = graph.node("MatMul", spread, gathered, name=f"{name}.sum")
    return str(graph.node("Squeeze", product, _axes(graph, f"{name}.axis", 1), name=name))


def add_pooler(graph: GraphBuilder, encoder: BertEncoder, vectors: str, *, use_map: bool) -> str:
    """Take the first piece of every window.

    use_map: Whether to apply the pooler to it, which the encoder then has.
    Shape: vectors (n_windows, length, width) -> (n_windows, width).
    """
    first = graph.weight("pooler.first", np.array(0, np.int64))
    x = graph.node("Gather", vectors, first, name="pooler.rows", axis=1)
    if use_map and encoder.pooler is not None:
        x = graph.node("Tanh", graph.linear(x, [encoder.pooler], name="pooler.map"), name="pooler")
    return str(x)


def add_token_classifier(
    graph: GraphBuilder, head: TokenClassifier, tokens: str, *, features: str | None
) -> str:
    """Score the tags of tokens.

    tokens: Token vectors. Shape: (n_tokens, width), float32
    features: Rows of the table of features. Shape: (n_tokens, n), int64
    Shape: (n_tokens, n_tags).
    """
    x = tokens
    if head.features is not None and features is not None:
        table = graph.weight("features.table", head.features.weight)
        embedded = graph.node("Gather", table, features, name="features.rows")
        n_columns = head.n_features * (1 + 2 * head.feature_window)
        width = n_columns * head.features.embedding_dim
        shape = graph.weight("features.shape", np.array([-1, width], np.int64))
        embedded = graph.node("Reshape", embedded, shape, name="features.flat")
        x = graph.node("Concat", x, embedded, name="joined", axis=1)
    x = graph.linear(_add_hidden(graph, head, x), [head.output], name="output")
    if head.raw is None:
        return x
    if head.raw.has_gaps or head.raw.restarting:
        raise SettingError(Errors.SB723.format(got=f"outputs read by the scheme {head.scheme!r}"))
    columns = graph.weight("tags.columns", np.array(head.raw.tags.columns, np.int64))
    return str(graph.node("Gather", x, columns, name="tags", axis=1))


def add_text_classifier(graph: GraphBuilder, head: TextClassifier, texts: str) -> str:
    """Score the categories of texts. Shape: texts (n_texts, width) -> (n_texts, n_labels)"""
    return graph.linear(_add_hidden(graph, head, texts), [head.output], name="output")


def _add_hidden(graph: GraphBuilder, head: TokenClassifier | TextClassifier, x: str) -> str:
    """Apply the layer between vectors and scores, if there is one."""
    hidden = head.hidden
    if hidden is None:
        return x
    operator = OPERATORS.get(hidden.activation)
    if operator is None or hidden.bias is None or hidden.norm is not None:
        got = "a layer with a norm, without a bias, or with another activation than "
        raise SettingError(Errors.SB723.format(got=got + ", ".join(OPERATORS)))
    x = graph.linear(x, [hidden], name="hidden")
    return str(graph.node(operator, x, name="hidden.activation"))


def pool_by_attention(
    graph: GraphBuilder, query: np.ndarray, tokens: str, *, rows: str, weights: str
) -> str:
    """Average the tokens of each text with learned weights.

    query: What scores a token: the learned query times its scale. Shape: (width,)
    tokens: Token vectors. Shape: (n_tokens, width)
    rows: Tokens of each text. Shape: (n_texts, most), int64
    weights: 1.0 for a token, 0.0 for a place without one. Shape: (n_texts, most)
    Shape: (n_texts, width).
    """
    gathered = graph.node("Gather", tokens, rows, name="texts.rows")
    scores = graph.node(
        "MatMul", gathered, graph.weight("query", query[:, None]), name="texts.scores"
    )
    real = graph.node("Unsqueeze", weights, _axes(graph, "texts.column", 2), name="texts.real")
    one = graph.weight("texts.one", np.ones(1, np.float32))
    factor = graph.weight("texts.factor", np.full(1, 1e30, np.float32))
    below = graph.node("Sub", real, one, name="texts.below")
    bias = graph.node("Mul", below, factor, name="texts.bias")
    masked = graph.node("Add", scores, bias, name="texts.masked")
    shares = graph.node("Softmax", masked, name="texts.shares", axis=1)
    # A text without tokens gets zeros.
    shares = graph.node("Mul", shares, real, name="texts.weights")
    across = graph.node("Transpose", shares, name="texts.across", perm=[0, 2, 1])
    product = graph.node("MatMul", across, gathered, name="texts.sum")
    return str(graph.node("Squeeze", product, _axes(graph, "texts.axis", 1), name="texts"))


def _axes(graph: GraphBuilder, name: str, axis: int) -> str:
    return graph.weight(f"{name}.axes", np.array([axis], np.int64))

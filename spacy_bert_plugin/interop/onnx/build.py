"""From a pipeline to a graph and the description of its inputs and outputs."""

from __future__ import annotations

from typing import Any

from ...errors import Errors, SettingError
from ...heads import BiluoScheme
from ...pipeline.bert_ner import BertNer
from ...pipeline.bert_textcat import BertTextcat
from .encoder_graph import add_encoder
from .feeding import ENCODER, Feeding, Port
from .graph import GraphBuilder
from .head_graph import (
    add_pooler,
    add_text_classifier,
    add_token_classifier,
    flatten_windows,
    pool_by_attention,
    sum_rows,
)
from .source import Source

MAX_BYTES = 2**31 - 2**20
PADDED: list[str | int] = ["n_windows", "length"]
IDS = Port("ids", "int64", PADDED, "Ids of the pieces of each window, padded at the end.")
MASK = Port("mask", "int64", PADDED, "1 for a piece, 0 for padding; the first of a window is 1.")
TOKEN_ROWS = Port(
    "token_rows",
    "int64",
    ["n_tokens", "most_pieces"],
    "Pieces of each token: number of the window times length, plus the place in it. 0 where a "
    "token has fewer.",
)
TOKEN_WEIGHTS = Port(
    "token_weights", "float32", ["n_tokens", "most_pieces"], "Weight of each; 0.0 where none is."
)
TEXT_ROWS = Port("text_rows", "int64", ["n_texts", "most_rows"], "See head.rows. 0 for no more.")
TEXT_WEIGHTS = Port(
    "text_weights", "float32", ["n_texts", "most_rows"], "Weight of each; 0.0 where none is."
)
TEXT_ROWS_ARE = {
    "windows": "windows of each text; each weighs 1 / their number",
    "tokens": "tokens of each text; each weighs 1.0",
    "pieces": "pieces of all tokens of each text, numbered as in token_rows; each weighs 1 / "
    "(pieces of its token * tokens of the text); with pooling 'first' the first piece of each "
    "token, 1 / tokens of the text",
}


def build_model(source: Source) -> tuple[Any, Feeding]:
    """Build the graph of a source.

    RETURNS (tuple): The `onnx.ModelProto`, unchecked, and its description without hashes.
    RAISES (MissingDependencyError): The module `onnx` is not installed.
    RAISES (SettingError): The weights do not fit into one file.
    """
    graph, encoder = GraphBuilder(), source.encoder
    with graph.scope("encoder"):
        vectors = add_encoder(graph, encoder, ids="ids", mask="mask")
    inputs, head = [IDS, MASK], describe_head(source)
    output, result = Port("", "float32", [], ""), ""
    if source.kind == ENCODER:
        axes: list[str | int] = [*PADDED, encoder.config.width]
        output = Port("vectors", "float32", axes, "One vector a piece. Padding holds no meaning.")
        result = vectors
    elif isinstance(source.pipe, BertNer):
        result = _build_tagger(graph, source, vectors, inputs)
        n_tags = BiluoScheme(source.pipe.labels).n_tags
        output = Port("scores", "float32", ["n_tokens", n_tags], "Score of each tag, no softmax.")
    elif isinstance(source.pipe, BertTextcat):
        result = _build_text_classifier(graph, source, vectors, inputs)
        n_labels = len(source.pipe.labels)
        output = Port("scores", "float32", ["n_texts", n_labels], "Score of each label.")
    graph.node("Identity", result, name=output.name)
    if graph.n_bytes > MAX_BYTES:
        raise SettingError(Errors.SB715.format(got=graph.n_bytes / 1e9))
    feeding = Feeding(
        component=source.name,
        precision="fp32",
        inputs=inputs,
        outputs=[output],
        pieces=describe_pieces(source),
        identity=source.identify(),
        head=head,
    )
    return graph.finish(inputs, [output]), feeding


def describe_pieces(source: Source) -> dict[str, Any]:
    """Say how text becomes windows."""
    tokenizer, config = source.checkpoint.tokenizer, source.encoder.config
    return {
        "tokenizer": "tokenizer.json of the tokenizers library, without adding special pieces, "
        "padding or truncation; text that looks like a special piece is plain text",
        "window": "prefix_ids, then pieces of the text, then suffix_ids",
        "prefix_ids": list(tokenizer.prefix_ids),
        "suffix_ids": list(tokenizer.suffix_ids),
        "pad_id": tokenizer.pad_id,
        "max_pieces": source.max_pieces,
        "overlap": source.overlap,
        "long_texts": "Texts of more pieces are cut between tokens into windows that share about "
        "'overlap' pieces; each piece is read from the window where it is farther from a border.",
        "positions": "counted in the graph from the first piece of each window",
        "position_offset": config.position_offset,
        "segments": "all 0, in the graph" if config.n_segments else "none",
        "tokens": "A piece belongs to a token where their characters overlap. A token without "
        "pieces has weights 0.0 only.",
    }


def describe_head(source: Source) -> dict[str, Any]:
    """Say how the scores are read."""
    pipe, head = source.pipe, source.head
    if isinstance(pipe, BertNer):
        return {
            "token_vectors": "first piece" if source.pooling == "first" else "mean of the pieces",
            "labels": list(pipe.labels),
            "tags": list(BiluoScheme(pipe.labels).names),
            "outside_bias": pipe.cfg["outside_bias"],
            "threshold": pipe.threshold,
            "confidence": pipe.cfg["confidence"],
            "decoding": "best legal sequence of BILUO tags over the scores, O plus outside_bias",
            "transitions": _list_transitions(head),
            "features": _describe_features(source),
        }
    if isinstance(pipe, BertTextcat):
        return {
            "labels": list(pipe.labels),
            "exclusive": pipe.exclusive,
            "temperature": pipe.temperature,
            "thresholds": pipe.thresholds,
            "activation": "softmax" if pipe.exclusive else "sigmoid",
            "probabilities": "activation of scores / temperature",
            "pooling": "attention" if head.pooling is not None else "sum",
            "rows": TEXT_ROWS_ARE[_name_rows(source)],
        }
    return {}


def _build_tagger(graph: GraphBuilder, source: Source, vectors: str, inputs: list[Port]) -> str:
    head, width = source.head, source.encoder.config.width
    inputs += [TOKEN_ROWS, TOKEN_WEIGHTS]
    flat = flatten_windows(graph, vectors, width=width)
    tokens = sum_rows(graph, flat, rows="token_rows", weights="token_weights", name="tokens")
    features = None
    if head.features is not None:
        features = "features"
        n_columns = head.n_features * (1 + 2 * head.feature_window)
        about = "Rows in the table of features, see head.features."
        inputs.append(Port(features, "int64", ["n_tokens", n_columns], about))
    with graph.scope("head"):
        return add_token_classifier(graph, head, tokens, features=features)


def _build_text_classifier(
    graph: GraphBuilder, source: Source, vectors: str, inputs: list[Port]
) -> str:
    head, encoder = source.head, source.encoder
    kind = _name_rows(source)
    rows = {"rows": "text_rows", "weights": "text_weights"}
    if kind == "windows":
        x = add_pooler(graph, encoder, vectors, use_map=source.pooling == "pooler")
    else:
        x = flatten_windows(graph, vectors, width=encoder.config.width)
    if kind == "tokens":
        inputs += [TOKEN_ROWS, TOKEN_WEIGHTS]
        x = sum_rows(graph, x, rows="token_rows", weights="token_weights", name="tokens")
        query = (head.pooling.query * head.pooling.scale).detach().cpu().numpy()
        x = pool_by_attention(graph, query, x, **rows)
    else:
        x = sum_rows(graph, x, **rows, name="texts")
    inputs += [TEXT_ROWS, TEXT_WEIGHTS]
    with graph.scope("head"):
        return add_text_classifier(graph, head, x)


def _name_rows(source: Source) -> str:
    """What text_rows number: a key of `TEXT_ROWS_ARE`."""
    if source.pooling in ("cls", "pooler"):
        return "windows"
    return "tokens" if source.head.pooling is not None else "pieces"


def _describe_features(source: Source) -> dict[str, Any] | None:
    head, pipe = source.head, source.pipe
    if head.features is None or pipe is None:
        return None
    return {
        "attributes": list(pipe.model.attrs["features"]),
        "rows": head.feature_rows,
        "window": head.feature_window,
        "columns": "of the token, then of the one before, the one after, the second before and so "
        "on; in each the attributes in their order",
        "row": "((64-bit hash of the attribute's text in spaCy's StringStore) >> 2) % rows + rows "
        "* number of the attribute + 1; 0 for a neighbour outside of the text",
    }


def _list_transitions(head: Any) -> dict[str, Any] | None:
    found = head.transitions
    if found is None:
        return None
    return {name: getattr(found, name).tolist() for name in ("out", "inside", "start", "end")}

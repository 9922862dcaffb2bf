"""Prepared Docs through the encoder: one vector a token, one a Doc, all differentiable."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from ..batching import plan_batches, run_batches
from ..encoder import PackedInput
from ..errors import Errors, SettingError
from ..pieces import IntArray, PieceTokenizer, TokenRows, map_rows, pack_windows
from ..typedefs import Encoded, Encoder
from .prepare import PreparedDocs
from .settings import TOKEN_OUTPUTS

# Training keeps what every batch computed until the backward pass, so small batches save nothing
# there, and each of them costs a pass over the gradient of the piece embeddings.
TRAINING_PIECES = 8192


@dataclass
class EncodedDocs:
    """What the encoder made of a batch of Docs.

    tokens: One vector a token, Docs one after the other; zeros for tokens without pieces.
        Shape: (n_tokens, width), float32
    pooled: By name, as asked for: "first", the vector of each token's first piece; "cls",
        "pooler" and "mean", one vector a Doc.
        Shape: "first" (n_tokens, width), others (n_docs, width), float32
    window_layers: With `use_all_layers`, for each window every hidden state, embeddings first.
        Shape: (n_layers + 1, n_window_pieces, width) each, on the host
    """

    tokens: Tensor
    pooled: dict[str, Tensor] = field(default_factory=dict)
    window_layers: dict[int, Tensor] = field(default_factory=dict)
    n_layers: int = 0


@dataclass(frozen=True)
class EncodeOptions:
    """How one call runs.

    batch_pieces: Most pieces of a forward pass.
    dtype: Number format of the linear layers.
    dropout: Rate; 0.0 in prediction.
    pooled: Which other vectors to compute.
    use_checkpointing: Whether a forward pass with gradient keeps nothing but its result.
    piece_dropout: Share of pieces, special ones left out, that the mask piece stands for.
    """

    batch_pieces: int
    dtype: torch.dtype = torch.float32
    dropout: float = 0.0
    pooled: Collection[str] = ()
    use_all_layers: bool = False
    use_checkpointing: bool = False
    piece_dropout: float = 0.0


def encode_docs(
    encoder: Encoder, tokenizer: PieceTokenizer, docs: PreparedDocs, options: EncodeOptions
) -> EncodedDocs:
    """Run Docs through the encoder, in batches of windows of similar length.

    Gradients flow if they are enabled in the caller. Memory beyond the result is bounded by
    one batch in prediction; in training every batch keeps its graph until the backward pass.

    RETURNS (EncodedDocs): Tensors on the encoder's device.
    """
    run = _Run(encoder, tokenizer, docs, options)
    lengths = docs.windows.lengths + tokenizer.n_special
    budget = options.batch_pieces
    if run.is_training and not options.use_checkpointing:
        budget = max(budget, TRAINING_PIECES)
    run_batches(plan_batches(lengths, budget), run.prepare)
    return run.finish()


class _Run:
    """The state of one call: where the vectors of finished batches are collected."""

    def __init__(
        self,
        encoder: Encoder,
        tokenizer: PieceTokenizer,
        docs: PreparedDocs,
        options: EncodeOptions,
    ) -> None:
        self.encoder, self.tokenizer, self.docs, self.options = encoder, tokenizer, docs, options
        self.device = next(encoder.parameters()).device
        names = [name for name in TOKEN_OUTPUTS if name in ("tokens", *options.pooled)]
        size = docs.n_tokens, encoder.config.width
        self.sums = {name: torch.zeros(size, device=self.device) for name in names}
        # Tokens and their vectors, kept for the gradient.
        self.parts: dict[str, list[tuple[Tensor, Tensor]]] = {name: [] for name in names}
        self.firsts: list[tuple[Tensor, Tensor]] = []  # windows, first rows
        self.window_layers: dict[int, Tensor] = {}
        self.is_training = torch.is_grad_enabled()

    def prepare(self, batches: Sequence[IntArray]) -> Callable[[int], None]:
        tokenizer, docs = self.tokenizer, self.docs
        mapped = map_rows(
            docs.alignment,
            docs.windows,
            batches,
            n_prefix=len(tokenizer.prefix_ids),
            n_special=tokenizer.n_special,
        )
        return lambda number: self.run(batches[number], mapped[number])

    def run(self, chosen: IntArray, rows: TokenRows) -> None:
        """Encode one batch and add its share to the token vectors."""
        packed = pack_windows(
            self.docs.ids,
            self.docs.windows,
            chosen,
            prefix=self.tokenizer.prefix_ids,
            suffix=self.tokenizer.suffix_ids,
        )
        ids = self._send(self._hide(packed.ids))
        output = self._forward(
            PackedInput(ids, self._send(packed.positions), torch.zeros_like(ids), packed.lengths)
        )
        self._sum_pieces(output.last, rows)
        begins = np.cumsum(packed.lengths, dtype=np.int64) - packed.lengths
        if {"cls", "pooler"} & set(self.options.pooled):
            self.firsts.append((self._send(chosen), output.last[self._send(begins)]))
        if output.layers is not None:
            layers = torch.stack(output.layers).detach().float().cpu()
            for window, begin, length in zip(chosen, begins, packed.lengths, strict=True):
                self.window_layers[int(window)] = layers[:, begin : begin + length].clone()

    def finish(self) -> EncodedDocs:
        for name, parts in self.parts.items():
            self.sums[name] = _add_parts(self.sums[name], parts)
        pooled = {name: self._pool(name) for name in self.options.pooled if name not in self.sums}
        pooled.update((name, rows) for name, rows in self.sums.items() if name != "tokens")
        tokens, n_layers = self.sums["tokens"], self.encoder.config.n_layers
        return EncodedDocs(tokens, pooled, self.window_layers, n_layers)

    def _forward(self, packed: PackedInput) -> Encoded:
        options = self.options
        if not self.is_training:
            return self.encoder(packed, use_all_layers=options.use_all_layers, dtype=options.dtype)
        encode = partial(
            self.encoder,
            packed,
            dropout=options.dropout,
            attention_dropout=options.dropout,
            dtype=options.dtype,
        )
        if options.use_checkpointing:
            output: Encoded = checkpoint(encode, use_reentrant=False)
            return output
        return encode()

    def _hide(self, ids: IntArray) -> IntArray:
        """Put the mask piece in the place of some pieces. Shape: (n_packed,) -> (n_packed,)"""
        mask_id = self.tokenizer.mask_id
        if not self.options.piece_dropout or mask_id is None:
            return ids
        special = [*self.tokenizer.prefix_ids, *self.tokenizer.suffix_ids]
        drawn = torch.rand(len(ids)).numpy() < self.options.piece_dropout
        return np.where(drawn & ~np.isin(ids, special), mask_id, ids)

    def _sum_pieces(self, vectors: Tensor, rows: TokenRows) -> None:
        """Add weighted sums over the pieces of each token of a batch. Shape: (n_packed, width)"""
        tokens, places, offsets = map(self._send, (rows.tokens, rows.rows, rows.offsets))
        for name, weights in (("tokens", rows.weights), ("first", rows.firsts)):
            if name not in self.sums:
                continue
            summed = F.embedding_bag(
                places,
                vectors,
                offsets,
                mode="sum",
                per_sample_weights=torch.from_numpy(weights).to(self.device),
            )
            if self.is_training:
                self.parts[name].append((tokens, summed))
            else:
                self.sums[name].index_add_(0, tokens, summed)

    def _pool(self, name: str) -> Tensor:
        """One vector a Doc. Zeros for a Doc without pieces."""
        alignment, windows = self.docs.alignment, self.docs.windows
        n_docs = len(alignment.doc_tokens)
        if name == "mean":
            owners, source = np.repeat(np.arange(n_docs), alignment.doc_tokens), self.sums["tokens"]
        else:
            owners, source = windows.docs, self._collect_firsts(name)
        counts = torch.from_numpy(np.bincount(owners, minlength=n_docs)).clamp(min=1)
        summed = source.new_zeros(n_docs, source.shape[1]).index_add(
            0, self._send(owners.astype(np.int64)), source
        )
        return summed / counts.to(self.device)[:, None]

    def _collect_firsts(self, name: str) -> Tensor:
        """First row of every window, in the order of the windows. Shape: (n_windows, width)"""
        if not self.firsts:
            return self.sums["tokens"][:0]
        order = torch.argsort(torch.cat([windows for windows, _ in self.firsts]))
        rows = torch.cat([rows for _, rows in self.firsts])[order].float()
        if name == "cls":
            return rows
        if not getattr(self.encoder.config, "use_pooler", False):
            raise SettingError(Errors.SB501)
        return self.encoder.pool(rows).float()

    def _send(self, values: IntArray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device, non_blocking=True)


def _add_parts(rows: Tensor, parts: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """Add the vectors of finished batches to the rows of their tokens, differentiably."""
    if not parts:
        return rows
    tokens, vectors = zip(*parts, strict=True)
    return rows.index_add(0, torch.cat(tokens), torch.cat(vectors))

"""Prepared Docs through the encoder: one vector a token, one a Doc, all differentiable."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from ..batching import BatchRun, find_lanes, plan_batches
from ..encoder import BertEncoder, PackedInput
from ..errors import Errors, SettingError
from ..pieces import IntArray, PieceTokenizer, TokenRows, fill_up, map_rows, pack_windows
from ..typedefs import Encoded, Encoder
from .encoded import BatchVectors, EncodedDocs, EncodeOptions
from .prepare import PreparedDocs
from .sending import send
from .settings import TOKEN_OUTPUTS
from .streams import Begun

# Training keeps what every batch computed until the backward pass, so small batches save nothing
# there, and each of them costs a pass over the gradient of the piece embeddings.
TRAINING_PIECES = 8192
# oneDNN makes, and keeps, code for every number of rows that it meets, which takes longer than a
# short text does. So batches on a processor are filled up to multiples of these.
FEW_ROWS, ROWS = 16, 32
MANY_PIECES = 128


class DocsRun:
    """Docs on their way through the encoder, in batches of windows of similar length.

    In prediction batches begin to run when this is made: on a processor side by side, on CUDA in a
    stream of their own. Vectors are added up in the order of the batches. Gradients flow if they
    are enabled when it is made. Memory beyond the result is bounded by one batch for each lane in
    prediction; in training every batch keeps its graph until the backward pass.
    """

    def __init__(
        self,
        encoder: Encoder,
        tokenizer: PieceTokenizer,
        docs: PreparedDocs,
        options: EncodeOptions,
    ) -> None:
        self.encoder, self.tokenizer, self.docs, self.options = encoder, tokenizer, docs, options
        self.device = next(encoder.parameters()).device
        self.is_training = torch.is_grad_enabled()
        self.names = [name for name in TOKEN_OUTPUTS if name in ("tokens", *options.pooled)]
        self.use_firsts = bool({"cls", "pooler"} & set(options.pooled))
        # Encoders that tell no segments apart get none (RoBERTa, DistilBERT).
        self.segments = docs.segments if encoder.config.n_segments > 1 else None
        is_own = isinstance(encoder, BertEncoder)  # others would pad what is filled up
        self.use_filling = is_own and self.device.type == "cpu" and not self.is_training
        lengths = docs.windows.lengths + tokenizer.n_special
        budget = options.batch_pieces
        if self.is_training and not options.use_checkpointing:
            budget = max(budget, TRAINING_PIECES)
        lanes = find_lanes(self.device)
        n_lanes = 1 if lanes is None else torch.get_num_threads()
        batches = plan_batches(lengths, budget, n_lanes=n_lanes)
        self.batches = BatchRun(batches, self._prepare, lanes=lanes)
        self._begun: Begun[EncodedDocs] | None = None
        if self.device.type == "cuda" and not self.is_training:
            self._begun = Begun(self.device, self._add_up)

    def finish(self) -> EncodedDocs:
        """Wait for all batches, and add them up."""
        if self._begun is not None:
            return self._begun.finish(lambda encoded: [encoded.tokens, *encoded.pooled.values()])
        with torch.enable_grad() if self.is_training else torch.inference_mode():
            return self._add_up()

    def cancel(self) -> None:
        """Let go of it: what has not begun will not run."""
        self.batches.cancel()

    def _prepare(self, batches: Sequence[IntArray]) -> Callable[[int], BatchVectors]:
        tokenizer, docs = self.tokenizer, self.docs
        mapped = map_rows(
            docs.alignment,
            docs.windows,
            batches,
            n_prefix=len(tokenizer.prefix_ids),
            n_special=tokenizer.n_special,
        )

        def run(number: int) -> BatchVectors:
            # In a lane the mode of the calling thread is not known.
            with torch.enable_grad() if self.is_training else torch.inference_mode():
                return self._run(batches[number], mapped[number])

        return run

    def _run(self, chosen: IntArray, rows: TokenRows) -> BatchVectors:
        """Encode one batch and sum its pieces to tokens."""
        packed = pack_windows(
            self.docs.ids,
            self.docs.windows,
            chosen,
            prefix=self.tokenizer.prefix_ids,
            suffix=self.tokenizer.suffix_ids,
            segments=self.segments,
        )
        begins = np.cumsum(packed.lengths, dtype=np.int64) - packed.lengths
        if self.use_filling:
            packed = fill_up(packed, FEW_ROWS if len(packed.ids) < MANY_PIECES else ROWS)
        own = () if packed.segments is None else (packed.segments,)
        ids, positions, windows, first_rows, tokens, places, offsets, *weights = send(
            self._hide(packed.ids),
            packed.positions,
            chosen,
            begins,
            rows.tokens,
            rows.rows,
            rows.offsets,
            rows.weights,
            rows.firsts,
            *own,
            device=self.device,
        )
        segments = weights.pop() if own else torch.zeros_like(ids)
        output = self._forward(PackedInput(ids, positions, segments, packed.lengths))
        sums = {
            name: F.embedding_bag(
                places, output.last, offsets, mode="sum", per_sample_weights=weight
            )
            for name, weight in zip(TOKEN_OUTPUTS, weights, strict=True)
            if name in self.names
        }
        result = BatchVectors(tokens, sums)
        if self.use_firsts:
            result.windows, result.firsts = windows, output.last[first_rows]
        if "pieces" in self.options.pooled:
            n_rows = sum(packed.lengths[: len(chosen)])  # without what it was filled up with
            every = torch.arange(n_rows, device=self.device)
            result.windows = windows
            result.means = F.embedding_bag(every, output.last, first_rows, mode="mean")
        if "max" in self.options.pooled:
            result.windows = windows
            result.peaks = _find_peaks(output.last, packed.lengths[: len(chosen)])
        if output.layers is not None:
            layers = torch.stack(output.layers).detach().float().cpu()
            lengths = packed.lengths[: len(chosen)]
            for window, begin, length in zip(chosen, begins, lengths, strict=True):
                result.layers[int(window)] = layers[:, begin : begin + length].clone()
        return result

    def _add_up(self) -> EncodedDocs:
        size = self.docs.n_tokens, self.encoder.config.width
        sums = {name: torch.zeros(size, device=self.device) for name in self.names}
        kept: list[BatchVectors] = []  # for the gradient, and first pieces
        window_layers: dict[int, Tensor] = {}
        for batch in self.batches.collect():
            window_layers.update(batch.layers)
            if not self.is_training:
                for name, rows in batch.sums.items():
                    _add_rows(sums[name], batch.tokens, rows)
                batch.sums = {}
            kept.append(batch)
        if self.is_training and kept:
            tokens = torch.cat([batch.tokens for batch in kept])
            for name in sums:
                rows = torch.cat([batch.sums[name] for batch in kept])
                sums[name] = sums[name].index_add(0, tokens, rows)
        pooled = {
            name: self._pool(name, sums["tokens"], kept)
            for name in self.options.pooled
            if name not in sums
        }
        pooled.update((name, rows) for name, rows in sums.items() if name != "tokens")
        n_layers = self.encoder.config.n_layers
        return EncodedDocs(sums["tokens"], pooled, window_layers, n_layers)

    def _forward(self, packed: PackedInput) -> Encoded:
        options = self.options
        if not self.is_training:
            return self.encoder(
                packed,
                use_all_layers=options.use_all_layers,
                dtype=options.dtype,
                quantization=options.quantization,
            )
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
        tokenizer = self.tokenizer
        special = [*tokenizer.prefix_ids, *tokenizer.pair.middle_ids, *tokenizer.suffix_ids]
        drawn = torch.rand(len(ids)).numpy() < self.options.piece_dropout
        return np.where(drawn & ~np.isin(ids, special), mask_id, ids)

    def _pool(self, name: str, tokens: Tensor, batches: Sequence[BatchVectors]) -> Tensor:
        """One vector a Doc, or one a text of it. Zeros for one without pieces."""
        docs = self.docs
        n_rows = len(docs.row_tokens)
        if name == "mean":
            owners, source = np.repeat(np.arange(n_rows), docs.row_tokens), tokens
        else:
            owners, source = docs.window_rows, self._collect_rows(name, tokens, batches)
        counts = np.maximum(np.bincount(owners, minlength=n_rows), 1).astype(np.int64)
        owned, sizes = send(owners.astype(np.int64), counts, device=self.device)
        zeros = source.new_zeros(n_rows, source.shape[1])
        if name == "max":
            places = owned[:, None].expand_as(source)
            return zeros.scatter_reduce(0, places, source, "amax", include_self=False)
        return zeros.index_add(0, owned, source) / sizes[:, None]

    def _collect_rows(self, name: str, tokens: Tensor, batches: Sequence[BatchVectors]) -> Tensor:
        """One row of every window, in the order of the windows. Shape: (n_windows, width)"""
        kind = {"pieces": "means", "max": "peaks"}.get(name, "firsts")
        rows: list[Tensor | None] = [getattr(batch, kind) for batch in batches]
        found = [
            (batch.windows, row)
            for batch, row in zip(batches, rows, strict=True)
            if batch.windows is not None and row is not None
        ]
        if not found:
            return tokens[:0]
        order = torch.argsort(torch.cat([windows for windows, _ in found]))
        vectors = torch.cat([row for _, row in found])[order].float()
        if name != "pooler":
            return vectors
        if not getattr(self.encoder.config, "use_pooler", False):
            raise SettingError(Errors.SB501)
        return self.encoder.pool(vectors).float()


def _find_peaks(rows: Tensor, lengths: Sequence[int]) -> Tensor:
    """Find the largest number of each column in each window. Shape: (n_windows, width)"""
    sizes = torch.tensor(lengths, device=rows.device)
    peaks: Tensor = torch.segment_reduce(rows[: sum(lengths)].float(), "max", lengths=sizes)
    return peaks


def _add_rows(total: Tensor, places: Tensor, rows: Tensor) -> None:
    """Add rows to places that differ from each other. Shape: (n_rows, width)

    On a processor by numpy: the threads that torch adds with would be taken from the lanes, and
    wait for more work on the same cores for some time after it.
    """
    if total.device.type == "cpu":
        target = total.numpy()
        target[places.numpy()] += rows.numpy()
    else:
        total.index_add_(0, places, rows)

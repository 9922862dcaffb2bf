"""Windows with hidden pieces through an encoder and its masked-word head.

pieces    the   play   ##ing   of   music          asked: "##ing", hidden with what follows it
window    [CLS] the play [MASK] of music [SEP]      in its token
                          -> logits over the vocabulary -> whatever `read` makes of them
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from ..batching import BatchRun, find_lanes, plan_batches
from ..encoder import BertEncoder, PackedInput, find_piece_table
from ..heads import MaskedWordHead
from ..pieces import (
    IntArray,
    PackedWindows,
    PieceTokenizer,
    Windows,
    expand_runs,
    fill_up,
    pack_windows,
)
from .bert_encoder import EncoderModel, get_shim
from .encode import FEW_ROWS, MANY_PIECES, ROWS
from .precision import choose_computing, find_budget
from .sending import send

# Most logits that are computed at a time: 32 MB.
MAX_LOGITS = 8_000_000
ResultT = TypeVar("ResultT")
# Takes which of the asked pieces these are, and their logits: (n,), (n, vocab_size).
ReadT = Callable[[IntArray, Tensor], ResultT]


@dataclass(frozen=True)
class MaskedWindows:
    """Windows to be encoded with some of their pieces hidden, and the pieces that are asked.

    Pieces are numbered through all texts; special pieces are not among them.

    ids: All pieces.
        Shape: (n_pieces,), int64
    starts, ends: First and last (exclusive) piece of each window.
        Shape: (n_windows,), int64
    hidden_starts, hidden_ends: The run of its pieces that the mask piece stands for.
        Shape: (n_windows,), int64
    asked: Pieces that are asked.
        Shape: (n_asked,), int64
    owners: The window that each of them is asked in, in ascending order.
        Shape: (n_asked,), int64
    """

    ids: IntArray
    starts: IntArray
    ends: IntArray
    hidden_starts: IntArray
    hidden_ends: IntArray
    asked: IntArray
    owners: IntArray


def score_masked(
    model: EncoderModel, head: MaskedWordHead, masked: MaskedWindows, read: ReadT[ResultT]
) -> Iterator[ResultT]:
    """Encode windows in batches, as the settings of an encoder say, and score what is asked.

    read (ReadT): Called for each part of a batch, in any thread and in any order.
    YIELDS: What `read` gives.
    """
    shim, settings = get_shim(model), model.attrs["settings"]
    encoder, tokenizer = shim.checkpoint.encoder, shim.checkpoint.tokenizer
    computing = choose_computing(settings, encoder.device, is_train=False)
    table = find_piece_table(encoder)

    def prepare(batches: Sequence[IntArray]) -> Callable[[int], list[ResultT]]:
        def run(number: int) -> list[ResultT]:
            packed, asked, rows = _pack(masked, batches[number], tokenizer)
            if isinstance(encoder, BertEncoder) and encoder.device.type == "cpu":
                packed = fill_up(packed, FEW_ROWS if len(packed.ids) < MANY_PIECES else ROWS)
            ids, positions, places = send(packed.ids, packed.positions, rows, device=encoder.device)
            segments = torch.zeros_like(ids)
            with torch.inference_mode():
                output = encoder(
                    PackedInput(ids, positions, segments, packed.lengths),
                    dtype=computing.dtype,
                    quantization=computing.quantization,
                )
                vectors = output.last[places].float()
                size = max(MAX_LOGITS // len(table), 1)
                return [
                    read(asked[i : i + size], head(vectors[i : i + size], table))
                    for i in range(0, len(asked), size)
                ]

        return run

    lengths = masked.ends - masked.starts + tokenizer.n_special
    with torch.inference_mode():  # so that there are lanes
        batches = plan_batches(lengths, find_budget(settings, encoder.device))
        waiting = BatchRun(batches, prepare, lanes=find_lanes(encoder.device))
    for results in waiting.collect():
        yield from results


def _pack(
    masked: MaskedWindows, chosen: IntArray, tokenizer: PieceTokenizer
) -> tuple[PackedWindows, IntArray, IntArray]:
    """Lay windows end to end with their hidden pieces hidden.

    RETURNS: The windows; which of the asked pieces are in them, and their rows. Shape: (n,) each
    """
    starts, ends = masked.starts, masked.ends
    windows = Windows(starts, ends, starts, ends, np.zeros_like(starts))
    packed = pack_windows(
        masked.ids, windows, chosen, prefix=tokenizer.prefix_ids, suffix=tokenizer.suffix_ids
    )
    # Row that the first piece of all texts would have, seen from each window.
    begins = np.cumsum(packed.lengths, dtype=np.int64) - packed.lengths
    shifts = begins + len(tokenizer.prefix_ids) - starts[chosen]
    hidden_starts, hidden_ends = masked.hidden_starts[chosen], masked.hidden_ends[chosen]
    hidden = expand_runs(hidden_starts + shifts, hidden_ends - hidden_starts)
    packed.ids[hidden] = -1 if tokenizer.mask_id is None else tokenizer.mask_id
    firsts, lasts = (np.searchsorted(masked.owners, chosen, side=s) for s in ("left", "right"))
    asked = expand_runs(firsts, lasts - firsts)
    return packed, asked, masked.asked[asked] + np.repeat(shifts, lasts - firsts)

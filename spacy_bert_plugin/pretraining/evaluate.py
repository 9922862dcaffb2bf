"""How well hidden pieces are guessed in text that is held out, and how well without a network."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch

from ..pieces import IntArray
from .batches import PretrainingBatch
from .frame import Frame
from .model import PretrainingModel, sum_losses
from .store import PieceStore

# Pieces of the corpus that neighbours are counted in.
MAX_COUNTED = 10_000_000


@dataclass(frozen=True)
class HeldOut:
    """Scores on held-out text.

    word_loss, pair_loss: Mean of minus log probability, in nats.
    word_accuracy, pair_accuracy: Share of right answers, from 0 to 1.
    n_words, n_pairs: Number of questions. Without any, loss and accuracy are 0.0.
    """

    word_loss: float
    word_accuracy: float
    n_words: int
    pair_loss: float
    pair_accuracy: float
    n_pairs: int

    def to_json(self) -> dict[str, float]:
        """The same as numbers by name."""
        return asdict(self)


@dataclass(frozen=True)
class Baselines:
    """Accuracy of two predictors that only count.

    unigram: Always the most frequent piece of the training text.
    bigram: The piece that most often follows the one to the left; where that one is hidden or
        was never seen, as above.
    """

    unigram: float
    bigram: float


@torch.inference_mode()
def evaluate(
    model: PretrainingModel, batches: Sequence[PretrainingBatch], *, dtype: torch.dtype
) -> HeldOut:
    """Ask a model about held-out text.

    batches: What to ask; the same ones each time, so that scores can be compared.
    dtype: Type to compute in.
    """
    device = model.encoder.device
    sums = torch.zeros(4, dtype=torch.float64)
    for batch in batches:
        batch = batch.to(device)
        answers = model.answer(batch, dtype=dtype)
        losses = sum_losses(answers, batch)
        right = [0, 0]
        if answers.words is not None:
            right[0] = int((answers.words.argmax(1) == batch.targets).sum())
        if answers.pairs is not None:
            right[1] = int((answers.pairs.argmax(1) == batch.follows).sum())
        sums += torch.tensor([float(losses.words), right[0], float(losses.pairs), right[1]])
    n_words = sum(batch.n_hidden for batch in batches)
    n_pairs = sum(batch.n_pairs for batch in batches)
    words, pairs = sums[:2] / max(n_words, 1), sums[2:] / max(n_pairs, 1)
    return HeldOut(
        float(words[0]), float(words[1]), n_words, float(pairs[0]), float(pairs[1]), n_pairs
    )


def score_baselines(
    store: PieceStore, batches: Sequence[PretrainingBatch], *, frame: Frame
) -> Baselines:
    """Guess the hidden pieces of held-out text by counts of the training text.

    store: The training text.
    batches: What `evaluate` asks: both see the same masked input.
    """
    best, best_after = count_neighbours(store, frame)
    n_right, n = np.zeros(2), 0
    for batch in batches:
        rows, targets = batch.rows.numpy(), batch.targets.numpy()
        lefts = batch.packed.ids.numpy()[rows - 1]
        after = np.where(best_after[lefts] >= 0, best_after[lefts], best)
        n_right += [np.count_nonzero(targets == best), np.count_nonzero(targets == after)]
        n += len(targets)
    return Baselines(*(float(count) / max(n, 1) for count in n_right))


def count_neighbours(store: PieceStore, frame: Frame) -> tuple[int, IntArray]:
    """Count which piece is the most frequent one, and which one after each piece.

    RETURNS: The most frequent piece; for each piece the one that follows it most often, -1 where
        nothing does.
    Shape: -> (), (vocab_size,)
    """
    size = len(frame.is_ordinary)
    ids = np.asarray(store.pieces[:MAX_COUNTED], dtype=np.int64)
    ordinary = ids[frame.is_ordinary[ids]]
    best = int(np.bincount(ordinary, minlength=size).argmax()) if len(ordinary) else 0
    is_pair = frame.is_ordinary[ids[1:]]
    pairs = ids[:-1][is_pair] * size + ids[1:][is_pair]
    found, counts = np.unique(pairs, return_counts=True)
    order = np.argsort(counts, kind="stable")  # the last write of each left piece is its best
    best_after = np.full(size, -1, dtype=np.int64)
    lefts, rights = np.divmod(found[order], size)
    best_after[lefts] = rights
    return best, best_after

"""An encoder with the heads of pretraining."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..checkpoints import LoadedCheckpoint
from ..encoder import find_piece_table
from ..heads import MaskedWordHead, NextSentenceHead
from ..typedefs import Encoder, ParamGroup
from .batches import PretrainingBatch
from .windows import NO_ANSWER


@dataclass(frozen=True)
class Answers:
    """What the heads say about a batch.

    words: Scores of all pieces, for each hidden one; None where nothing is hidden.
        Shape: (n_hidden, vocab_size)
    pairs: Scores of "follows" and "from elsewhere"; None where no window has an answer.
        Shape: (n_windows, 2)
    """

    words: Tensor | None
    pairs: Tensor | None


@dataclass(frozen=True)
class Losses:
    """Sums of minus log probabilities, so that batches of a step can be added up.

    words, pairs: One number each, without a place on the host.
    """

    words: Tensor
    pairs: Tensor


class PretrainingModel:
    """What is pretrained: one encoder, and a head for each objective.

    checkpoint: The encoder, its tokenizer and its config.
    words: Guesses hidden pieces; None if there is no such head.
    pairs: Tells whether one text follows another; None if there is no such head.
    """

    def __init__(
        self,
        checkpoint: LoadedCheckpoint,
        *,
        words: MaskedWordHead | None,
        pairs: NextSentenceHead | None,
    ) -> None:
        self.checkpoint, self.words, self.pairs = checkpoint, words, pairs
        for param in self.encoder.parameters():
            param.requires_grad_(True)

    @property
    def encoder(self) -> Encoder:
        """The encoder."""
        return self.checkpoint.encoder

    @property
    def parts(self) -> dict[str, nn.Module]:
        """The modules, by name."""
        found = {"encoder": self.encoder, "words": self.words, "pairs": self.pairs}
        return {name: part for name, part in found.items() if isinstance(part, nn.Module)}

    def answer(
        self,
        batch: PretrainingBatch,
        *,
        dropout: float = 0.0,
        dtype: torch.dtype | None = None,
    ) -> Answers:
        """Run a batch through the encoder, and what is asked for through the heads.

        batch: On the device of the encoder.
        dropout: Rate, for attention weights as well.
        dtype: Type to compute in.
        """
        vectors = self.encoder(
            batch.packed, dropout=dropout, attention_dropout=dropout, dtype=dtype
        ).last
        words = pairs = None
        if self.words is not None and batch.n_hidden:
            words = self.words(vectors[batch.rows], find_piece_table(self.encoder), dtype=dtype)
        if self.pairs is not None and batch.n_pairs:
            pooled = self.encoder.pool(vectors[batch.firsts])
            pairs = self.pairs(F.dropout(pooled, dropout) if dropout else pooled)
        return Answers(words, pairs)

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Yield every parameter with the name of its part before it."""
        for name, part in self.parts.items():
            yield from part.named_parameters(prefix=name)

    def list_groups(self) -> list[ParamGroup]:
        """Parameters that have a gradient: all learn at the same rate."""
        named = [(name, p) for name, p in self.named_parameters() if p.grad is not None]
        return [ParamGroup(named)] if named else []

    def finish_step(self) -> None:
        """Clear gradients, and what was derived from the weights."""
        for _, param in self.named_parameters():
            param.grad = None
        self.encoder.forget_weights()
        if self.words is not None:
            self.words.forget_weights()

    def state_dict(self) -> dict[str, Tensor]:
        """All weights, under the names of `named_parameters`."""
        return {
            f"{name}.{key}": value.detach()
            for name, part in self.parts.items()
            for key, value in part.state_dict().items()
        }

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Put back what `state_dict` gave."""
        for name, part in self.parts.items():
            start = f"{name}."
            part.load_state_dict(
                {k.removeprefix(start): v for k, v in state.items() if k.startswith(start)}
            )
        self.finish_step()

    def to(self, device: torch.device) -> None:
        """Move all weights."""
        for part in self.parts.values():
            part.to(device)


def sum_losses(answers: Answers, batch: PretrainingBatch) -> Losses:
    """Add up the losses of a batch. Shape: -> () and ()"""
    zero = torch.zeros((), device=batch.rows.device)
    words = pairs = zero
    if answers.words is not None:
        words = F.cross_entropy(answers.words.float(), batch.targets, reduction="sum")
    if answers.pairs is not None:
        pairs = F.cross_entropy(
            answers.pairs.float(), batch.follows, reduction="sum", ignore_index=NO_ANSWER
        )
    return Losses(words, pairs)

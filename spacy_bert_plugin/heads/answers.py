"""Where the answer to a question begins and ends: scores of tokens, and the loss.

    Where is Rome ?   Rome lies in Italy .
    [-- question --]  [---- context -----]
    start   -inf       .3  .1  .2  4.1  .0       one score a token that may begin an answer
    end     -inf       .1  .0  .1  3.9  .1       one score a token that may end it
    no answer  (from the question, which has seen the context)        one score a text for each

Papers: Devlin et al. (2019), section 4.2 and 4.3, https://arxiv.org/abs/1810.04805; several right
answers: Clark and Gardner (2018), section 3.2, https://arxiv.org/abs/1710.10723
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..encoder.gradients import drop
from .hidden import make_hidden

# What a token is to a question: part of it, part of what may answer it, or neither.
QUESTION, CONTEXT, NEITHER = 0, 1, 2
INIT_RANGE = 0.02


@dataclass(frozen=True)
class AnswerScores:
    """Scores of a batch of texts, their tokens end to end.

    borders: Scores of starting and of ending an answer; -inf where none may.
        Shape: (n_tokens, 2)
    nothing: The same two for "there is no answer"; None for a head that always answers.
        Shape: (n_texts, 2)
    lengths: Tokens of each text.
    """

    borders: Tensor
    nothing: Tensor | None
    lengths: tuple[int, ...]


class AnswerFinder(nn.Module):
    """Linear map from the vector of a token to its scores of starting and ending an answer.

    The score of "no answer" is a linear map of the mean vector of the question, which attends to
    the context as the first piece of a text does.

    width: Size of the vectors.
    use_no_answer: Whether questions may be without an answer.
    hidden_width: Size of a layer between; 0: none.
    hidden: Further settings of that layer, as of `HiddenLayer`.
    """

    def __init__(
        self, width: int, *, use_no_answer: bool = False, hidden_width: int = 0, **hidden: Any
    ) -> None:
        super().__init__()
        self.hidden = make_hidden(width, hidden_width, **hidden)
        self.output = _make_linear(hidden_width or width)
        self.no_answer = _make_linear(width) if use_no_answer else None

    def forward(
        self,
        vectors: Tensor,
        *,
        lengths: Sequence[int],
        sides: Tensor,
        dropout: float = 0.0,
    ) -> AnswerScores:
        """Score tokens.

        vectors: Token vectors of all texts, end to end.
        lengths: Tokens of each text.
        sides: `QUESTION`, `CONTEXT` or `NEITHER` for each token.
        dropout: Rate for the input of each layer.
        Shape: vectors (n_tokens, width), sides (n_tokens,).
        """
        vectors = drop(vectors, dropout)
        borders = self.score(vectors, sides, dropout=dropout)
        if self.no_answer is None:
            return AnswerScores(borders, None, tuple(lengths))
        owners = number_rows(lengths, device=vectors.device)
        sums, counts = sum_question(vectors, sides, owners, n_texts=len(lengths))
        return AnswerScores(borders, self.no_answer(sums / counts), tuple(lengths))

    def score(self, vectors: Tensor, sides: Tensor, *, dropout: float = 0.0) -> Tensor:
        """Score tokens, each for itself. Shape: (n_tokens, width) -> (n_tokens, 2)"""
        if self.hidden is not None:
            vectors = drop(self.hidden(vectors), dropout)
        scores: Tensor = self.output(vectors).float()
        return scores.masked_fill((sides != CONTEXT)[:, None], -math.inf)

    def start_reading(self, n_vectors: int, *, sides: Tensor) -> AnswerReader:
        """Begin one text whose vectors come in runs. Shape: sides (n_vectors,)"""
        return AnswerReader(self, n_vectors, sides)

    def join(self, outputs: Sequence[AnswerScores]) -> AnswerScores:
        """Lay the scores of several lots of texts end to end."""
        nothing = [one.nothing for one in outputs if one.nothing is not None]
        return AnswerScores(
            torch.cat([one.borders for one in outputs]),
            torch.cat(nothing) if nothing else None,
            tuple(length for one in outputs for length in one.lengths),
        )


class AnswerReader:
    """Scores a run of tokens, and keeps two numbers a token and the sum over the question."""

    def __init__(self, head: AnswerFinder, n_tokens: int, sides: Tensor) -> None:
        self.head, self.sides = head, sides
        weight = head.output.weight
        self.borders = weight.new_full((n_tokens, 2), -math.inf, dtype=torch.float32)
        self.total: Tensor | None = None
        self.n_question = weight.new_zeros(())
        self.n_read = 0

    def read(self, vectors: Tensor) -> None:
        """Score the next tokens. Shape: (n_run, width)"""
        first, last = self.n_read, self.n_read + len(vectors)
        sides, vectors = self.sides[first:last], vectors.to(self.borders.device)
        self.borders[first:last] = self.head.score(vectors, sides)
        asked = vectors[sides == QUESTION]
        self.total = asked.sum(0) if self.total is None else self.total + asked.sum(0)
        self.n_question = self.n_question + len(asked)
        self.n_read = last

    def finish(self) -> AnswerScores:
        """All scores of the text."""
        nothing = None
        if self.head.no_answer is not None and self.total is not None:
            nothing = self.head.no_answer(self.total / self.n_question.clamp(min=1))[None]
        return AnswerScores(self.borders, nothing, (len(self.borders),))


def answer_loss(scores: AnswerScores, gold: Sequence[Sequence[tuple[int, int]] | None]) -> Tensor:
    """Mean cross entropy of where answers start and where they end.

    Where several answers are right, what counts is the probability of starting any of them, and
    of ending any of them.

    gold: For each text the right answers [start, end) in its tokens; empty: it has none; None:
        not known. A text without answer teaches nothing where the head always answers.
    RETURNS: A scalar; a plain 0.0 where there is nothing to learn.
    """
    firsts = [0]
    for length in scores.lengths:
        firsts.append(firsts[-1] + length)
    can_be_nothing = scores.nothing is not None
    chosen = [i for i, spans in enumerate(gold) if spans or (spans is not None and can_be_nothing)]
    if not chosen:
        return torch.zeros(())
    losses = []
    for side in (0, 1):
        values, owners, targets, target_owners = [], [], [], []
        offset = 0
        for number, text in enumerate(chosen):
            mine = scores.borders[firsts[text] : firsts[text + 1], side]
            spans = gold[text] or ()
            places = {start if side == 0 else end - 1 for start, end in spans}
            if scores.nothing is not None:
                mine = torch.cat([mine, scores.nothing[text, side : side + 1].float()])
                places = places or {len(mine) - 1}
            values.append(mine)
            owners += [number] * len(mine)
            targets += [offset + place for place in sorted(places)]
            target_owners += [number] * len(places)
            offset += len(mine)
        flat = torch.cat(values)
        right = flat[torch.tensor(targets, device=flat.device)]
        partition = segment_logsumexp(flat, owners, n_segments=len(chosen))
        losses.append(partition - segment_logsumexp(right, target_owners, n_segments=len(chosen)))
    return (losses[0] + losses[1]).mean() / 2


def segment_logsumexp(values: Tensor, owners: Sequence[int], *, n_segments: int) -> Tensor:
    """Log of the sum of exponentials of each segment, none of which may be empty.

    Shape: values and owners (n,) -> (n_segments,)
    """
    rows = torch.tensor(owners, dtype=torch.int64, device=values.device)
    best = values.detach().new_full((n_segments,), -math.inf)
    best = best.scatter_reduce(0, rows, values.detach(), "amax")
    sums = values.new_zeros(n_segments).index_add(0, rows, (values - best[rows]).exp())
    return sums.log() + best


def number_rows(lengths: Sequence[int], *, device: torch.device) -> Tensor:
    """Number of the text that each token belongs to. Shape: (n_texts,) -> (n_tokens,)"""
    counts = torch.tensor(list(lengths), dtype=torch.int64, device=device)
    return torch.repeat_interleave(torch.arange(len(counts), device=device), counts)


def sum_question(
    vectors: Tensor, sides: Tensor, owners: Tensor, *, n_texts: int
) -> tuple[Tensor, Tensor]:
    """Add the vectors of each question up, and count them (at least 1, for division).

    Shape: vectors (n_tokens, width) -> (n_texts, width), (n_texts, 1).
    """
    is_asked = sides == QUESTION
    rows = owners[is_asked]
    sums = vectors.new_zeros(n_texts, vectors.shape[1]).index_add(0, rows, vectors[is_asked])
    counts = torch.bincount(rows, minlength=n_texts).clamp(min=1)[:, None]
    return sums, counts


def _make_linear(width: int) -> nn.Linear:
    """Scores of starting and of ending."""
    layer = nn.Linear(width, 2)
    nn.init.normal_(layer.weight, std=INIT_RANGE)
    nn.init.zeros_(layer.bias)
    return layer

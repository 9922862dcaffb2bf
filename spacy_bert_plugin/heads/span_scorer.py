"""Scores of all spans of up to so many tokens, without listing them.

What is scored is a band: a row for every token that a span may start at, a column for every
length that it may have. Columns that would run out of the sequence are masked.

    tokens of two Docs, end to end        a  b  c | d  e
    band (max_length 3), spans by start   a  ab  abc
                                          b  bc  .
                                          c  .   .
                                          d  de  .
                                          e  .   .

Papers: Dozat and Manning, Deep Biaffine Attention, https://arxiv.org/abs/1611.01734; Yu et al.,
Named Entity Recognition as Dependency Parsing, https://arxiv.org/abs/2005.07150
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..encoder.gradients import drop
from ..errors import Errors, SettingError
from .steps import check_lengths

SCORINGS = ("biaffine", "start_end")
# Nearly all spans of a band have no label. A head that begins by saying so does not spend its
# first steps on learning it: Lin et al. (2017), section 3.3, https://arxiv.org/abs/1708.02002
PRIOR = 0.01
# Most numbers that prediction holds at a time for each of a few arrays: 16 MB in fp32.
CHUNK_SIZE = 1 << 22


@dataclass(frozen=True)
class SpanBand:
    """Scores of every span of up to so many tokens.

    logits: Column k holds the scores of spans of k + 1 tokens.
        Shape: (n_tokens, n_labels, max_length)
    is_span: False where such a span would run out of its sequence.
        Shape: (n_tokens, max_length), bool
    """

    logits: Tensor
    is_span: Tensor


@dataclass(frozen=True)
class ScoredSpans:
    """Spans that have been found, sorted by start, end and label.

    spans: Rows [start, end, label index]; tokens are counted over all sequences.
        Shape: (n_spans, 3), int64
    logits: Shape: (n_spans,)
    """

    spans: Tensor
    logits: Tensor


class SpanScorer(nn.Module):
    """Scores every span for every label by its first token, its last one and those inside.

    A label's score is the sum of a linear score of the start, one of the end, the mean of one of
    each token of the span, a bias for the length and, with "biaffine", of a bilinear form of
    start and end. Scores of labels do not depend on each other: spans may nest, overlap, and
    have several labels.

    width: Size of the vectors.
    n_labels: Number of labels.
    max_length: Most tokens of a span.
    scoring: "biaffine" or "start_end", which leaves out the bilinear form.
    hidden_width: Size of the representations of starts and of ends.
    Raises: SettingError if a value cannot work.
    """

    def __init__(
        self,
        width: int,
        n_labels: int,
        *,
        max_length: int,
        scoring: str = "biaffine",
        hidden_width: int = 64,
    ) -> None:
        super().__init__()
        if scoring not in SCORINGS:
            raise SettingError(
                Errors.SB002.format(name="scoring", expected=" or ".join(SCORINGS), got=scoring)
            )
        sizes = {"n_labels": n_labels, "max_length": max_length, "hidden_width": hidden_width}
        for name, value in sizes.items():
            if value < 1:
                raise SettingError(Errors.SB002.format(name=name, expected="at least 1", got=value))
        self.n_labels, self.max_length, self.hidden_width = n_labels, max_length, hidden_width
        self.start = nn.Linear(width, hidden_width)
        self.end = nn.Linear(width, hidden_width)
        # Labels come first in every parameter that has an axis for them, so that a head with
        # more labels begins like one with fewer.
        self.start_scores = _make_linear(hidden_width, n_labels, bias=True)
        self.end_scores = _make_linear(hidden_width, n_labels, bias=False)
        self.inside_scores = _make_linear(width, n_labels, bias=False)
        self.length_scores = nn.Parameter(torch.zeros(n_labels, max_length))
        self.pairs: nn.Parameter | None = None
        nn.init.constant_(self.start_scores.bias, math.log(PRIOR / (1 - PRIOR)))
        if scoring == "biaffine":
            std = 1 / hidden_width
            self.pairs = nn.Parameter(torch.randn(n_labels, hidden_width, hidden_width) * std)

    def forward(
        self,
        vectors: Tensor,
        *,
        lengths: Sequence[int],
        dropout: float = 0.0,
        min_logit: float | None = None,
    ) -> SpanBand | ScoredSpans:
        """Score all spans, or find those with a score of at least `min_logit`.

        vectors: Token vectors of all sequences, end to end.
        lengths: Number of tokens of each sequence.
        dropout: Rate for vectors and for representations of starts and ends.
        min_logit: With it, memory is bounded: spans are searched for in parts of the tokens.
        Shape: vectors (n_tokens, width).
        Raises: SettingError if the lengths do not add up to the vectors.
        """
        counts = torch.from_numpy(check_lengths(lengths, n_tokens=len(vectors)))
        longest = int(counts.max()) if len(counts) else 0
        n_columns = min(self.max_length, longest)
        ends = torch.repeat_interleave(counts.cumsum(0), counts).to(vectors.device)
        room = ends - torch.arange(len(vectors), device=vectors.device)
        is_span = torch.arange(n_columns, device=vectors.device) < room[:, None]
        if min_logit is None:
            logits = self._score_rows(vectors, len(vectors), n_columns, dropout=dropout)
            return SpanBand(logits, is_span)
        return self._find(vectors, is_span, min_logit=min_logit)

    def _find(self, vectors: Tensor, is_span: Tensor, *, min_logit: float) -> ScoredSpans:
        n_columns = is_span.shape[1]
        row_size = (self.n_labels + n_columns) * self.hidden_width + self.n_labels * n_columns
        n_rows = max(CHUNK_SIZE // row_size, self.max_length)
        spans, found = [vectors.new_zeros((0, 3), dtype=torch.int64)], [vectors.new_zeros(0)]
        for first in range(0, len(vectors), n_rows):
            last = min(first + n_rows, len(vectors))
            # The spans of these rows end up to so many tokens after them.
            logits = self._score_rows(vectors[first : last + n_columns], last - first, n_columns)
            is_kept = (logits >= min_logit) & is_span[first:last, None]
            start, column, label = torch.nonzero(is_kept.transpose(1, 2), as_tuple=True)
            found.append(logits[start, label, column])
            start = start + first
            spans.append(torch.stack([start, start + column + 1, label], dim=1))
        return ScoredSpans(torch.cat(spans), torch.cat(found))

    def _score_rows(
        self, vectors: Tensor, n_rows: int, n_columns: int, *, dropout: float = 0.0
    ) -> Tensor:
        """Score the spans that start at the first rows; the other rows are where they may end.

        Shape: vectors (n_rows or more, width) -> (n_rows, n_labels, n_columns)
        """
        if not n_rows:
            return vectors.new_zeros(0, self.n_labels, n_columns)
        vectors = drop(vectors[: n_rows + n_columns - 1], dropout)
        start = drop(F.gelu(self.start(vectors[:n_rows])), dropout)
        end = drop(F.gelu(self.end(vectors)), dropout)
        inside = _slide(self.inside_scores(vectors), n_rows, n_columns).cumsum(2)
        counts = torch.arange(1, n_columns + 1, device=vectors.device)
        logits: Tensor = inside / counts + self.length_scores[:, :n_columns]
        logits = logits + self.start_scores(start)[:, :, None]
        logits = logits + _slide(self.end_scores(end), n_rows, n_columns)
        if self.pairs is not None:
            left = torch.einsum("ni,lij->nlj", start, self.pairs)
            logits = logits + left @ _slide(end, n_rows, n_columns)
        return logits

    @torch.no_grad()
    def copy_from(self, other: SpanScorer) -> None:
        """Take over what a head with the same sizes but fewer labels has learned."""
        for mine, theirs in zip(self.parameters(), other.parameters(), strict=True):
            mine[tuple(slice(0, n) for n in theirs.shape)] = theirs


def _slide(values: Tensor, n_rows: int, n_columns: int) -> Tensor:
    """Beside each row lay the rows after it, zeros after the last.

    Shape: values (n, size), n <= n_rows + n_columns - 1 -> (n_rows, size, n_columns)
    """
    padded = F.pad(values, (0, 0, 0, n_rows + n_columns - 1 - len(values)))
    return padded.unfold(0, n_columns, 1)


def _make_linear(n_inputs: int, n_labels: int, *, bias: bool) -> nn.Linear:
    layer = nn.Linear(n_inputs, n_labels, bias=bias)
    nn.init.normal_(layer.weight, std=1 / math.sqrt(n_inputs))
    return layer

"""Scores of tags for every token, from its vector and how it is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..encoder.gradients import drop
from .chain import Transitions
from .hidden import make_hidden
from .raw_scores import RawReader
from .raw_tags import read_outputs
from .reading import TokenReader


class TokenClassifier(nn.Module):
    """Linear map from token vectors to the scores of BILUO tags.

    Encoders without capitals, and vectors averaged over pieces, say little about how a word is
    written; entities are often known by just that. So hashed features of the word (its shape, its
    first and last letters) and of its neighbours can be read beside the vector.

    Features in taggers: Lample et al. (2016), section 4, https://arxiv.org/abs/1603.01360;
    hashed embeddings: Miranda et al. (2022), https://arxiv.org/abs/2212.09255

    width: Size of the vectors.
    n_labels: Labels; there are 1 + 4 * n_labels tags.
    n_features: Features of a token; 0: the vectors alone.
    feature_rows: Rows of the table that each feature is hashed into.
    feature_width: Size of the embedding of each feature.
    feature_window: Neighbours on either side whose features are read as well.
    hidden_width: Size of a layer between; 0: none.
    use_crf: Whether the scores of transitions between tags are learned too.
    outputs: Names of what the linear map gives where that is not one score a BILUO tag: "O",
        "B-PER", "I-PER" ..., as another library's tagger has them.
    scheme: How tags read these outputs: one of `raw_tags.SCHEMES`.
    hidden: Further settings of the layer between, as of `HiddenLayer`.
    """

    def __init__(
        self,
        width: int,
        n_labels: int,
        *,
        n_features: int = 0,
        feature_rows: int = 2000,
        feature_width: int = 32,
        feature_window: int = 1,
        hidden_width: int = 0,
        use_crf: bool = False,
        outputs: Sequence[str] = (),
        scheme: str = "biluo",
        **hidden: Any,
    ) -> None:
        super().__init__()
        self.n_features, self.feature_rows = n_features, feature_rows
        self.feature_window = feature_window if n_features else 0
        self.features = None
        n_input = width
        if n_features:
            self.features = nn.Embedding(n_features * feature_rows + 1, feature_width)
            nn.init.normal_(self.features.weight, std=0.1)
            n_input += n_features * feature_width * (1 + 2 * self.feature_window)
        self.hidden = make_hidden(n_input, hidden_width, **hidden)
        self.scheme = scheme
        self.raw = RawReader(read_outputs(outputs, scheme)) if outputs else None
        self.output = nn.Linear(hidden_width or n_input, len(outputs) or 1 + 4 * n_labels)
        nn.init.zeros_(self.output.bias)
        n_out = 1 + 2 * n_labels
        zeros = torch.zeros
        self.out = nn.Parameter(zeros(n_out, n_out)) if use_crf else None
        self.inside = nn.Parameter(zeros(n_labels, 2, 2)) if use_crf else None
        self.start = nn.Parameter(zeros(n_out)) if use_crf else None
        self.end = nn.Parameter(zeros(n_out)) if use_crf else None

    @property
    def transitions(self) -> Transitions | None:
        """Scores of transitions for decoding: those learned, or those that the scheme fixes."""
        return self.raw.transitions if self.raw is not None else self.learned_transitions

    @property
    def learned_transitions(self) -> Transitions | None:
        """Learned scores of transitions, None without CRF."""
        if self.out is None or self.inside is None or self.start is None or self.end is None:
            return None
        return Transitions(self.out, self.inside, self.start, self.end)

    def forward(
        self,
        vectors: Tensor,
        *,
        lengths: Sequence[int],
        dropout: float = 0.0,
        features: Tensor | None = None,
    ) -> Tensor:
        """Score tags.

        vectors: Token vectors of all Docs, end to end.
        lengths: Tokens of each Doc.
        dropout: Rate for the input.
        features: Hashes of the features of each token, 0 and above.
        Shape: vectors (n_tokens, width), features (n_tokens, n_features) -> (n_tokens, n_tags).
        """
        embedded = None
        if self.features is not None and features is not None:
            embedded = self._embed(self.features, features, lengths)
        return self.to_tags(self.score(vectors, embedded, dropout=dropout), lengths)

    def score(self, vectors: Tensor, embedded: Tensor | None, *, dropout: float = 0.0) -> Tensor:
        """Score outputs by vectors and embedded features, each token for itself.

        Shape: vectors (n_tokens, width), embedded (n_tokens, n) -> (n_tokens, n_outputs).
        """
        if embedded is not None and self.hidden is None and not torch.is_grad_enabled():
            # The same sums, without a copy of all that is read.
            width = vectors.shape[1]
            weight, bias = self.output.weight, self.output.bias
            rows = F.linear(vectors, weight[:, :width], bias)
            return rows.addmm_(embedded, weight[:, width:].T)
        x = vectors if embedded is None else torch.cat([vectors, embedded], dim=1)
        x = drop(x, dropout)
        if self.hidden is not None:
            x = drop(self.hidden(x), dropout)
        scores: Tensor = self.output(x)
        return scores

    def to_tags(self, scores: Tensor, lengths: Sequence[int]) -> Tensor:
        """Read scores of outputs as scores of BILUO tags, which they are unless they have names.

        Shape: scores (n_tokens, n_outputs) -> (n_tokens, n_tags).
        """
        return scores if self.raw is None else self.raw(scores, lengths)

    def start_reading(self, n_vectors: int, *, features: Tensor | None = None) -> TokenReader:
        """Begin one text whose vectors come in runs.

        Shape: features (n_vectors, n_features).
        """
        return TokenReader(self, n_vectors, features)

    def join(self, outputs: Sequence[Tensor]) -> Tensor:
        """Lay scores end to end. Shape: (n_tokens, n_tags) each -> (all tokens, n_tags)"""
        return torch.cat(list(outputs))

    def embed_run(self, features: Tensor | None, first: int, last: int) -> Tensor | None:
        """Embed the features of a run of the tokens of one text.

        Shape: features (n_tokens, n_features) -> (last - first, n).
        """
        if self.features is None or features is None:
            return None
        # The neighbours of the run's ends are looked at too.
        begin = max(first - self.feature_window, 0)
        end = min(last + self.feature_window, len(features))
        embedded = self._embed(self.features, features[begin:end], [end - begin])
        return embedded[first - begin : last - begin]

    def _embed(self, table: nn.Embedding, features: Tensor, lengths: Sequence[int]) -> Tensor:
        """Embeddings of the features of each token and of its neighbours, side by side.

        Row 0 of the table stands for what lies outside of a Doc.
        """
        n_features = features.shape[1]
        rows = features % self.feature_rows
        rows = rows + torch.arange(n_features, device=rows.device) * self.feature_rows + 1
        parts = [rows]
        for distance in range(1, self.feature_window + 1):
            parts += [shift(rows, lengths, distance), shift(rows, lengths, -distance)]
        embedded: Tensor = table(torch.cat(parts, dim=1))
        return embedded.flatten(1)

    @torch.no_grad()
    def copy_from(self, other: TokenClassifier) -> None:
        """Take over what a head with fewer labels has learned.

        other: A head of the same sizes but for its labels, which are the first ones of this one.
        """
        n_labels = (other.output.out_features - 1) // 4  # heads with named outputs do not grow
        if self.features is not None and other.features is not None:
            self.features.load_state_dict(other.features.state_dict())
        if self.hidden is not None and other.hidden is not None:
            self.hidden.load_state_dict(other.hidden.state_dict())
        n_tags = 1 + 4 * n_labels
        self.output.weight[:n_tags] = other.output.weight[:n_tags]
        self.output.bias[:n_tags] = other.output.bias[:n_tags]
        mine, theirs = self.learned_transitions, other.learned_transitions
        if mine is None or theirs is None:
            return
        rows, known = _list_out_states(self, n_labels), _list_out_states(other, n_labels)
        mine.out[rows[:, None], rows] = theirs.out[known[:, None], known]
        mine.inside[:n_labels] = theirs.inside[:n_labels]
        mine.start[rows], mine.end[rows] = theirs.start[known], theirs.end[known]


def _list_out_states(head: TokenClassifier, n_labels: int) -> Tensor:
    """Places of O and of the first labels among {O, L or B of each label, U of each label}."""
    every = (head.output.out_features - 1) // 4
    first = torch.arange(n_labels)
    return torch.cat([torch.zeros(1, dtype=torch.int64), 1 + first, 1 + every + first])


def shift(rows: Tensor, lengths: Sequence[int], distance: int) -> Tensor:
    """Give each token the row of a neighbour in the same sequence, 0 where there is none.

    distance: How far the neighbour lies behind; negative: ahead.
    Shape: rows (n_tokens, n) -> (n_tokens, n).
    """
    n_tokens = len(rows)
    counts = torch.tensor(list(lengths), dtype=torch.int64)
    owners = torch.repeat_interleave(torch.arange(len(counts)), counts)
    source = torch.arange(n_tokens) - distance
    clamped = source.clamp(0, max(n_tokens - 1, 0))
    is_inside = (source == clamped) & (owners[clamped] == owners) if n_tokens else source > 0
    return rows[clamped.to(rows.device)] * is_inside.to(rows.device)[:, None]

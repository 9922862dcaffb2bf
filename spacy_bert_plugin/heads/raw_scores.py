"""Scores of the outputs of another library's tagger as scores of BILUO tags."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .chain import Transitions
from .raw_tags import NOTHING, RawTags

# So low that nothing makes good for it, so high that sums with it keep a few digits.
IMPOSSIBLE = -1e4


class RawReader(nn.Module):
    """Lets each tag read the output that says it. It has no weights, and saves nothing.

    tags: Which output each tag reads.
    """

    def __init__(self, tags: RawTags) -> None:
        super().__init__()
        self.tags = tags
        columns = torch.tensor(tags.columns)
        self.has_gaps = NOTHING in tags.columns
        self.register_buffer("columns", columns, persistent=False)
        readings = tags.readings
        chosen = [readings.index(number) for number in range(max(readings) + 1)]
        self.register_buffer("chosen", torch.tensor(chosen), persistent=False)
        self.register_buffer("readings", torch.tensor(readings), persistent=False)
        # In IOB1: the labels with an output that begins an entity right after another.
        self.restarting = [i for i, output in enumerate(tags.restarts) if output != NOTHING]
        labels = torch.full((tags.n_outputs,), NOTHING)
        for i in self.restarting:
            labels[[tags.restarts[i], tags.columns[1 + 4 * i]]] = i
        self.register_buffer("labels", labels, persistent=False)
        self._fixed = _forbid_neighbours(tags.joined) if any(tags.joined) else ()
        for index, table in enumerate(self._fixed):
            self.register_buffer(f"fixed{index}", table, persistent=False)

    @property
    def transitions(self) -> Transitions | None:
        """What keeps entities apart that no output tells from one; None where all can be told."""
        if not self._fixed:
            return None
        out, inside, start, end = (getattr(self, f"fixed{i}") for i in range(4))
        return Transitions(out, inside, start, end)

    def forward(self, scores: Tensor, lengths: Sequence[int]) -> Tensor:
        """Read scores.

        lengths: Tokens of each text.
        Shape: scores (n_tokens, n_outputs) -> (n_tokens, n_tags).
        """
        columns: Tensor = self.columns  # type: ignore[assignment]
        if self.has_gaps:
            scores = F.pad(scores, (0, 1), value=IMPOSSIBLE)
            columns = columns.where(columns != NOTHING, scores.shape[1] - 1)
        tags = scores.index_select(1, columns)
        return self._restart(tags, scores, lengths) if self.restarting else tags

    def fold(
        self, scores: Tensor, tags: Tensor, weights: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Take each output once, for a loss: a softmax over tags would count it several times.

        scores: Scores of tags.
        tags: Tag of each token, -1 where the annotation says nothing.
        weights: Weight of each tag.
        RETURNS: The same over outputs; -1 also for tags that no output says.
        Shape: scores (n_tokens, n_tags), tags (n_tokens,), weights (n_tags,) -> (n_tokens, n),
            (n_tokens,), (n,).
        """
        chosen: Tensor = self.chosen  # type: ignore[assignment]
        readings: Tensor = self.readings  # type: ignore[assignment]
        targets = torch.where(tags < 0, tags, readings[tags])
        return scores[:, chosen], targets, None if weights is None else weights[chosen]

    def _restart(self, tags: Tensor, scores: Tensor, lengths: Sequence[int]) -> Tensor:
        """Read B and U of IOB1: by B right after a token of the same label, else by I or B.

        The label before is that of the best output, so that the best tags are the tagger's own.
        """
        labels: Tensor = self.labels  # type: ignore[assignment]
        before = labels[scores[:, : len(labels)].argmax(1)].roll(1)
        begins = torch.tensor([0, *lengths[:-1]], device=before.device).cumsum(0)
        before[begins[begins < len(before)]] = NOTHING
        tags = tags.clone()
        for label in self.restarting:
            again = scores[:, self.tags.restarts[label]]
            inside = tags[:, 2 + 4 * label]
            start = torch.where(before == label, again, torch.maximum(again, inside))
            tags[:, 1 + 4 * label] = tags[:, 4 + 4 * label] = start
        return tags


def _forbid_neighbours(joined: Sequence[bool]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Transitions in which no entity of a joined label stands right before another of it."""
    n_labels = len(joined)
    n_out = 1 + 2 * n_labels
    out = torch.zeros(n_out, n_out)
    for label, is_joined in enumerate(joined):
        if is_joined:
            places = torch.tensor([1 + label, 1 + n_labels + label])
            out[places[:, None], places] = IMPOSSIBLE
    return out, torch.zeros(n_labels, 2, 2), torch.zeros(n_out), torch.zeros(n_out)

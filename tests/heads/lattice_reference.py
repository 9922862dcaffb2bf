"""BILUO by definition: every tag sequence written out, scored and added up one by one."""

import itertools
import math
from collections.abc import Iterator

import torch
from hypothesis import strategies as st
from torch import Tensor

from spacy_bert_plugin.heads import Transitions

Ways = list[tuple[tuple[int, ...], float]]
Span = tuple[int, int, int]


def name_tag(tag: int) -> tuple[str, int]:
    return ("O", -1) if tag == 0 else ("BILU"[(tag - 1) % 4], (tag - 1) // 4)


def is_legal(tags: tuple[int, ...]) -> bool:
    inside = None
    for kind, label in map(name_tag, tags):
        if (kind in "IL") != (inside is not None) or (kind in "IL" and inside != label):
            return False
        inside = label if kind in "BI" else None
    return inside is None


def list_entities(tags: tuple[int, ...]) -> list[Span]:
    """Entities of a legal sequence."""
    found, begin = [], 0
    for index, (kind, label) in enumerate(map(name_tag, tags)):
        begin = index if kind in "BU" else begin
        if kind in "LU":
            found.append((begin, index + 1, label))
    return found


def score_step(before: int, after: int, transitions: Transitions) -> float:
    (left, label), (right, _) = name_tag(before), name_tag(after)
    if left in "BI":
        return float(transitions.inside[label, "BI".index(left), "IL".index(right)])
    n_labels = len(transitions.inside)
    return float(transitions.out[find_column(before, n_labels), find_column(after, n_labels)])


def find_column(tag: int, n_labels: int) -> int:
    kind, label = name_tag(tag)
    return {"O": 0, "B": 1 + label, "L": 1 + label, "U": 1 + n_labels + label}[kind]


def score(emissions: Tensor, tags: tuple[int, ...], transitions: Transitions | None) -> float:
    total = sum(float(emissions[i, tag]) for i, tag in enumerate(tags))
    if transitions is None or not tags:
        return total
    n_labels = len(transitions.inside)
    total += float(transitions.start[find_column(tags[0], n_labels)])
    total += float(transitions.end[find_column(tags[-1], n_labels)])
    return total + sum(score_step(*pair, transitions) for pair in itertools.pairwise(tags))


def list_ways(
    emissions: Tensor, transitions: Transitions | None, allowed: Tensor | None = None
) -> Ways:
    """All legal sequences of one sequence's tags and their scores."""
    n_tokens, n_tags = emissions.shape
    every = [
        [tag for tag in range(n_tags) if allowed is None or allowed[i, tag]]
        for i in range(n_tokens)
    ]
    ways = filter(is_legal, itertools.product(*every))
    return [(tags, score(emissions, tags, transitions)) for tags in ways]


def add_up(scores: list[float]) -> float:
    if not scores:
        return -math.inf
    top = max(scores)
    return top + math.log(sum(math.exp(value - top) for value in scores))


def list_parts(lengths: list[int]) -> Iterator[slice]:
    end = 0
    for length in lengths:
        yield slice(end, end + length)
        end += length


def list_posteriors(
    emissions: Tensor, lengths: list[int], transitions: Transitions | None
) -> dict[Span, float]:
    """Probability of every possible entity of all sequences."""
    found: dict[Span, float] = {}
    for part in list_parts(lengths):
        ways = list_ways(emissions[part], transitions)
        total = add_up([value for _, value in ways])
        for tags, value in ways:
            for start, end, label in list_entities(tags):
                span = (start + part.start, end + part.start, label)
                found[span] = found.get(span, 0.0) + math.exp(value - total)
    return found


def make_transitions(
    n_labels: int, seed: int = 0, dtype: torch.dtype = torch.float64
) -> Transitions:
    random = torch.Generator().manual_seed(seed)
    n_out = 1 + 2 * n_labels
    shapes = ((n_out, n_out), (n_labels, 2, 2), (n_out,), (n_out,))
    return Transitions(*(torch.randn(s, generator=random, dtype=dtype) for s in shapes))


@st.composite
def draw_batches(draw: st.DrawFn) -> tuple[Tensor, list[int], Transitions | None]:
    """Emissions, lengths and transitions of a batch small enough to write out."""
    n_labels = draw(st.integers(0, 2))
    longest = 4 if n_labels < 2 else 3
    lengths = draw(st.lists(st.integers(0, longest), max_size=4))
    seed = draw(st.integers(0, 2**16))
    spread = draw(st.sampled_from([0.3, 3.0, 30.0]))
    random = torch.Generator().manual_seed(seed)
    shape = (sum(lengths), 1 + 4 * n_labels)
    emissions = spread * torch.randn(shape, generator=random, dtype=torch.float64)
    is_learned = draw(st.booleans())
    return emissions, lengths, make_transitions(n_labels, seed) if is_learned else None


def draw_allowed(emissions: Tensor, share: float) -> Tensor:
    """A random set of tags for each token, a function of the emissions alone."""
    random = torch.Generator().manual_seed(emissions.numel())
    return torch.rand(emissions.shape, generator=random) < share

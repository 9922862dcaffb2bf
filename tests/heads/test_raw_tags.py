"""Outputs of other taggers read as BILUO tags: the same best sequences, the same probabilities."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_bert_plugin.errors import SettingError
from spacy_bert_plugin.heads import (
    BiluoScheme,
    TokenClassifier,
    best_tags,
    find_scheme,
    read_outputs,
    span_log_probs,
)
from spacy_bert_plugin.heads.raw_scores import RawReader

BIO = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
IOB1 = ["O", "I-PER", "I-LOC", "B-LOC"]  # PER never stands beside PER
BIOES = ["S-PER", "O", "B-PER", "I-PER", "E-PER"]
IO = ["PER", "LOC", "O"]
NAMES = {"bio": BIO, "iob1": IOB1, "biluo": BIOES, "io": IO}
Spans = list[tuple[int, int, str]]


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        *((names, scheme) for scheme, names in NAMES.items()),
        (["O", "B_PER", "I_PER"], "bio"),
        (["O", "B-PER", "I-PER", "L-PER", "U-PER"], "biluo"),
        (["O", "B-PER", "M-PER", "E-PER", "S-PER"], "biluo"),
        (["O", "I-PER", "I-LOC"], "io"),
        (["O", "E-mail", "PER"], "io"),
        (["O", "B-PER"], "bio"),
        (["O"], "io"),
    ],
)
def test_scheme_is_found(outputs: list[str], expected: str) -> None:
    assert find_scheme(outputs) == expected


def test_columns_of_each_scheme() -> None:
    assert read_outputs(BIO, "bio").columns == (0, 1, 2, 2, 1, 3, 4, 4, 3)
    assert read_outputs(BIOES, "biluo").columns == (1, 2, 3, 4, 0)
    assert read_outputs(IO, "io").columns == (2, 0, 0, 0, 0, 1, 1, 1, 1)
    assert read_outputs(IO, "io").joined == (True, True)
    assert read_outputs(["O", "I-PER"], "io").labels == ("PER",)
    found = read_outputs(IOB1, "iob1")
    assert found.labels == ("PER", "LOC")
    assert found.joined == (True, False)
    assert found.restarts == (-1, 3)
    # No output for I: such an entity has one token.
    assert read_outputs(["O", "B-PER"], "bio").columns == (0, 1, -1, -1, 1)
    # A scheme without tags of its own for the last and the only token.
    assert read_outputs(["O", "B-X", "I-X", "U-X"], "biluo").columns == (0, 1, 2, 2, 3)


@pytest.mark.parametrize(
    ("outputs", "scheme", "code"),
    [
        (["NOUN", "VERB"], "io", "NOUN, VERB"),
        ([], "io", "nothing"),
        (["O"], "bio", "no label"),
        (["O", "B-X", "B_X"], "bio", "two outputs"),
        (["O", "X", "B-X"], "bio", "no such scheme"),
        (["O", "B-X", "L-X"], "bio", "no such scheme"),
        (["O", "B-X"], "bilou", "bilou"),
    ],
)
def test_what_cannot_be_read_is_named(outputs: list[str], scheme: str, code: str) -> None:
    with pytest.raises(SettingError, match=code):
        read_outputs(outputs, scheme)


def list_spans(names: list[str], scheme: str) -> Spans:
    """Entities of a sequence of the tagger's own tags, by the definition of each scheme."""
    spans: Spans = []
    open_label = ""
    for at, name in enumerate([*names, "O"]):
        kind, _, label = name.partition("-")
        if scheme == "io" and name != "O":
            kind, label = "I", name
        is_new = {"bio": kind == "B", "biluo": kind in "BS", "io": False, "iob1": kind == "B"}
        if open_label and (kind == "O" or label != open_label or is_new[scheme]):
            start, _, _ = spans[-1]
            spans[-1] = (start, at, open_label)
            open_label = ""
        if kind != "O" and not open_label:
            spans.append((at, -1, label))
            open_label = label
    return spans


def is_legal(names: list[str], scheme: str) -> bool:
    """Whether a tagger that has learned its scheme could say this."""
    before = "O"
    for name in [*names, "O"]:
        kind, _, label = name.partition("-")
        was, _, last = before.partition("-")
        if scheme == "bio" and kind == "I" and (was == "O" or last != label):
            return False
        if scheme == "biluo":
            is_open = was in ("B", "I")
            goes_on = kind in ("I", "E") and last == label
            if is_open != goes_on or (kind in ("I", "E") and not is_open):
                return False
        if scheme == "iob1" and kind == "B" and (was == "O" or last != label):
            return False
        before = name
    return True


@pytest.mark.parametrize("scheme", NAMES)
@given(data=st.data())
@settings(max_examples=20)
def test_best_tags_are_those_of_the_tagger(scheme: str, data: st.DataObject) -> None:
    """Against all sequences of four tokens, by brute force."""
    outputs = NAMES[scheme]
    n_tokens = data.draw(st.integers(1, 4))
    seed = data.draw(st.integers(0, 10_000))
    scores = torch.randn(n_tokens, len(outputs), generator=torch.Generator().manual_seed(seed)) * 3
    ways = itertools.product(range(len(outputs)), repeat=n_tokens)
    legal = [way for way in ways if is_legal([outputs[i] for i in way], scheme)]
    if scheme == "iob1":  # B is also said where nothing of the label stands before
        legal = list(itertools.product(range(len(outputs)), repeat=n_tokens))
    totals = torch.tensor([float(sum(scores[t, i] for t, i in enumerate(w))) for w in legal])
    best = [outputs[i] for i in legal[int(totals.argmax())]]

    tags = read_outputs(outputs, scheme)
    reader = RawReader(tags)
    emissions = reader(scores, [n_tokens])
    found = best_tags(emissions, [n_tokens], reader.transitions).numpy()
    spans = BiluoScheme(tags.labels).decode(found, [n_tokens])
    assert [(s, e, tags.labels[i]) for s, e, i in spans.tolist()] == list_spans(best, scheme)

    if scheme != "iob1" and len(spans):
        # Probability of an entity: the share of all sequences that have it.
        log_probs = span_log_probs(emissions, [n_tokens], reader.transitions, spans=spans)
        shares = totals.softmax(0)
        for (start, end, label), log_prob in zip(spans.tolist(), log_probs, strict=True):
            wanted = (start, end, tags.labels[label])
            has_it = [wanted in list_spans([outputs[i] for i in way], scheme) for way in legal]
            expected = float(shares[torch.tensor(has_it)].sum())
            assert float(log_prob.exp()) == pytest.approx(expected, abs=1e-3)


def test_iob1_reads_each_text_by_itself() -> None:
    reader = RawReader(read_outputs(IOB1, "iob1"))
    scores = torch.zeros(2, 4)
    scores[:, 2] = 5.0  # I-LOC twice: one entity in one text, two in two texts
    assert best_tags(reader(scores, [2]), [2], reader.transitions).tolist() == [5, 7]
    assert best_tags(reader(scores, [1, 1]), [1, 1], reader.transitions).tolist() == [8, 8]
    assert reader(scores[:0], []).shape == (0, 9)
    assert reader(scores[:0], [0, 0]).shape == (0, 9)


@pytest.mark.parametrize("scheme", ["bio", "biluo", "io"])
def test_folded_scores_are_the_outputs(scheme: str) -> None:
    outputs = NAMES[scheme]
    tags = read_outputs(outputs, scheme)
    reader = RawReader(tags)
    scores = torch.randn(5, len(outputs))
    gold = torch.tensor([0, 1, 2, 4, -1])
    weights = torch.tensor([0.5, *[2.0] * (len(tags.columns) - 1)])
    folded, targets, folded_weights = reader.fold(reader(scores, [5]), gold, weights)
    assert torch.allclose(folded.logsumexp(1), scores.logsumexp(1), atol=1e-6)
    assert folded_weights is not None
    assert folded_weights.tolist() == [0.5, *[2.0] * (len(outputs) - 1)]
    assert targets[4] == -1
    for at, tag in enumerate(gold[:4].tolist()):
        assert folded[at, targets[at]] == scores[at, tags.columns[tag]]


def test_tags_that_no_output_says_are_not_learned() -> None:
    reader = RawReader(read_outputs(["O", "B-PER"], "bio"))
    scores = reader(torch.zeros(3, 2), [3])
    _, targets, weights = reader.fold(scores, torch.tensor([1, 2, 4]), None)
    assert targets.tolist() == [1, -1, 1]
    assert weights is None
    assert reader.readings.tolist() == [0, 1, -1, -1, 1]


def test_runs_of_a_long_text_give_the_same() -> None:
    torch.manual_seed(0)
    head = TokenClassifier(6, 2, outputs=IOB1, scheme="iob1")
    vectors = torch.randn(9, 6)
    reader = head.start_reading(9)
    for run in torch.split(vectors, 4):
        reader.read(run)
    whole = head(vectors, lengths=[9])
    assert whole.shape == (9, 9)
    assert torch.allclose(reader.finish(), whole, atol=1e-6)
    assert set(head.state_dict()) == {"output.weight", "output.bias"}
    assert np.isfinite(whole.detach().numpy()).all()

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_bert_plugin.training.formats.record import TextSpan
from spacy_bert_plugin.training.formats.tags import decode_tags, take_first_tag


def decode(*tags: str) -> list[tuple[int, int, str]]:
    """Spans in words: every word is one character wide."""
    spans, _ = decode_tags(tags, [(i, i + 1) for i in range(len(tags))])
    return [(start, end, label) for start, end, label in spans]


@pytest.mark.parametrize(
    "tags",
    [
        ("B-X", "I-X", "O", "B-X", "B-Y"),  # IOB2
        ("I-X", "I-X", "O", "I-X", "I-Y"),  # IOB1: B only between neighbours of one label
        ("B-X", "L-X", "O", "U-X", "U-Y"),  # BILUO
        ("B-X", "E-X", "_", "S-X", "S-Y"),  # BIOES
    ],
)
def test_schemes_say_the_same(tags: tuple[str, ...]) -> None:
    assert decode(*tags) == [(0, 2, "X"), (3, 4, "X"), (4, 5, "Y")]


def test_neighbours_of_one_label_stay_apart() -> None:
    assert decode("I-X", "B-X", "L-X", "I-X") == [(0, 1, "X"), (1, 3, "X"), (3, 4, "X")]


def test_dash_is_unknown_and_ends_a_span() -> None:
    spans, missing = decode_tags(["B-X", "-", "I-X"], [(0, 1), (1, 2), (2, 3)])
    assert [tuple(span) for span in spans] == [(0, 1, "X"), (2, 3, "X")]
    assert missing == ((1, 2),)


def test_no_tags() -> None:
    assert decode_tags([], []) == ((), ())


@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from(["X", "Y", ""])), max_size=8))
def test_encoded_spans_come_back(runs: list[tuple[int, str]]) -> None:
    tags: list[str] = []
    expected: list[TextSpan] = []
    for size, label in runs:
        if label:
            expected.append(TextSpan(len(tags), len(tags) + size, label))
            middle = [f"I-{label}"] * (size - 2)
            tags += [f"U-{label}"] if size == 1 else [f"B-{label}", *middle, f"L-{label}"]
        else:
            tags += ["O"] * size
    offsets = [(i, i + 1) for i in range(len(tags))]
    assert decode_tags(tags, offsets)[0] == tuple(expected)
    iob2 = [tag.replace("U-", "B-").replace("L-", "I-") for tag in tags]
    assert decode_tags(iob2, offsets)[0] == tuple(expected)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("B-person,B-group", "B-person"), ("O", "O"), ("B-a,b", "B-a,b"), (" I-x ", "I-x")],
)
def test_first_of_joined_tags(cell: str, expected: str) -> None:
    assert take_first_tag(cell) == expected

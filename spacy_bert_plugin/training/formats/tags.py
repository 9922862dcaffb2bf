"""Tags of words -> labelled spans, for every scheme in use."""

import re
from collections.abc import Sequence

from .record import TextSpan

# BIO, IOB1, IOB2, BILUO, BIOES and BMES share one alphabet and never contradict each other
TAG = re.compile(r"O|-|_|[BILUESM]-\S.*")
OPENING = "BUS"
CLOSING = "LEUS"


def take_first_tag(cell: str) -> str:
    """Take the first of several tags joined by commas.

    A comma inside a label stays: every part must be a tag of its own.
    """
    parts = [part.strip() for part in cell.split(",")]
    return parts[0] if all(TAG.fullmatch(part) for part in parts) else cell.strip()


def decode_tags(
    tags: Sequence[str], offsets: Sequence[tuple[int, int]]
) -> tuple[tuple[TextSpan, ...], tuple[tuple[int, int], ...]]:
    """Turn one tag a word into spans.

    An inside tag with nothing to continue opens a span, so IOB1 and IOB2 read alike.

    tags (Sequence[str]): Valid tags (`TAG`).
    offsets (Sequence): Start and end of each word in characters.
    RETURNS (tuple): The spans, and the stretches of words tagged `-` (unknown).
    """
    spans: list[TextSpan] = []
    missing: list[tuple[int, int]] = []
    is_open = False
    for tag, (start, end) in zip(tags, offsets, strict=True):
        if tag in ("O", "_", "-"):
            is_open = False
            if tag == "-":
                missing.append((start, end))
            continue
        prefix, label = tag[0], tag[2:]
        if is_open and prefix not in OPENING and spans[-1].label == label:
            spans[-1] = spans[-1]._replace(end=end)
        else:
            spans.append(TextSpan(start, end, label))
        is_open = prefix not in CLOSING
    return tuple(spans), tuple(missing)

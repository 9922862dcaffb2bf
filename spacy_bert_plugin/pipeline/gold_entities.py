"""Annotated entities of Examples as one tag a token."""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from spacy.attrs import ENT_IOB, ENT_TYPE
from spacy.strings import get_string_id
from spacy.tokens import Doc, Span
from spacy.training import Example

from ..heads import BiluoScheme
from ..heads.partial import MISSING
from ..pieces import IntArray
from .gold_spans import has_same_tokens

# Values of ENT_IOB; 0 stands for a token that nothing is known about.
IOB_INSIDE, IOB_OUTSIDE, IOB_BEGIN = 1, 2, 3
# What a token has for a label that spaCy keeps from being an entity; whether it is O is not said.
BLOCKED = 0
BEGIN, INSIDE, LAST, UNIT = range(1, 5)


def read_tags(examples: Sequence[Example], scheme: BiluoScheme) -> tuple[IntArray, set[str]]:
    """Read the annotated entities of a batch.

    A token that the annotation says nothing about, that is aligned to no whole entity, or whose
    entity has a label outside of the scheme gets the tag -1, and is not learned from.

    RETURNS: The tags, and the labels that the scheme does not have.
        Shape: (n_tokens of all predicted Docs,), int64
    """
    parts = [
        _read_reference(example) if has_same_tokens(example) else _read_aligned(example)
        for example in examples
    ]
    if not parts:
        return np.zeros(0, dtype=np.int64), set()
    iob, types = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    ends = np.array([*accumulate(len(part[0]) for part in parts)], dtype=np.int64)
    known = {get_string_id(label): index for index, label in enumerate(scheme.labels)}
    found = {int(value) for value in np.unique(types[iob % 2 == 1])} - {BLOCKED}
    tags = _to_biluo(iob, types, ends, known)
    return tags, {_find_name(examples, value) for value in found - set(known)}


def list_entity_labels(docs: Sequence[Doc]) -> list[str]:
    """Labels of the entities of Docs, sorted."""
    return sorted({ent.label_ for doc in docs for ent in doc.ents})


def find_annotated(doc: Doc) -> tuple[list[Span], list[Span]]:
    """Find what is known about the entities of a Doc: those it has, and blocked tokens."""
    if not doc.has_annotation("ENT_IOB"):
        return [], []
    iob, types = doc.to_array([ENT_IOB, ENT_TYPE]).reshape(-1, 2).T
    blocked = np.flatnonzero((iob == IOB_BEGIN) & (types == BLOCKED))
    return list(doc.ents), [doc[at : at + 1] for at in blocked.tolist()]


def _find_name(examples: Sequence[Example], value: int) -> str:
    """The label of a hash; Docs need not share a vocabulary."""
    strings = (example.reference.vocab.strings for example in examples)
    name: str = next(names[value] for names in strings if value in names)
    return name


def _read_reference(example: Example) -> tuple[IntArray, "np.typing.NDArray[np.uint64]"]:
    rows = example.reference.to_array([ENT_IOB, ENT_TYPE]).reshape(-1, 2)
    return rows[:, 0].astype(np.int64), rows[:, 1]


def _read_aligned(example: Example) -> tuple[IntArray, "np.typing.NDArray[np.uint64]"]:
    """The same by spaCy's alignment, for a tokenisation other than the annotated one."""
    strings = example.reference.vocab.strings
    iob, types = [], []
    for tag in example.get_aligned_ner():
        kind, _, label = (tag or "-").partition("-")
        code = {"O": IOB_OUTSIDE, "B": IOB_BEGIN, "U": IOB_BEGIN, "I": IOB_INSIDE, "L": IOB_INSIDE}
        iob.append(code.get(kind, 0))
        types.append(strings.add(label) if label else 0)
    return np.array(iob, dtype=np.int64), np.array(types, dtype=np.uint64)


def _to_biluo(
    iob: IntArray, types: "np.typing.NDArray[np.uint64]", ends: IntArray, known: dict[int, int]
) -> IntArray:
    """Tags of all tokens. Shape: iob, types (n_tokens,), ends (n_docs,) -> (n_tokens,)"""
    label = np.array([known.get(int(value), MISSING) for value in types], dtype=np.int64)
    is_inside = iob == IOB_INSIDE
    goes_on = np.zeros(len(iob), dtype=bool)
    goes_on[:-1] = is_inside[1:]
    goes_on[ends[(ends > 0) & (ends <= len(iob))] - 1] = False
    kind = np.where(is_inside, np.where(goes_on, INSIDE, LAST), np.where(goes_on, BEGIN, UNIT))
    tags = 4 * label + kind
    tags[iob == IOB_OUTSIDE] = 0
    tags[(iob == 0) | ((iob != IOB_OUTSIDE) & (label == MISSING))] = MISSING
    return tags

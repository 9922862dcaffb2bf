"""Taggers of other schemes, whose outputs are read as BILUO tags.

    outputs of the tagger   O  B-PER  I-PER          IO scheme:  O  PER
    B-PER and U-PER read       B-PER                                PER
    I-PER and L-PER read              I-PER                         PER

A legal sequence of BILUO tags then stands for one sequence of the tagger's own tags, and for one
only, so that the best one, and how likely it is, are those of the tagger.

Schemes: Ratinov and Roth (2009), https://aclanthology.org/W09-1119; IOB1: Ramshaw and Marcus
(1995), https://aclanthology.org/W95-0107
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import Errors, SettingError
from .biluo import KINDS

OUTSIDE = "O"
SCHEMES = ("biluo", "bio", "iob1", "io")
# Column that stands for a tag which no output of the tagger says.
NOTHING = -1
_PREFIXED = re.compile(r"([BIMLEUS])[-_](.+)", re.DOTALL)
# BMES and BIOES write the same four kinds with other letters.
_KIND_OF = {"B": "B", "I": "I", "M": "I", "L": "L", "E": "L", "U": "U", "S": "U"}
# What the labels of each scheme may have before them.
_KNOWN = {
    "biluo": {"", "B", "I", "L", "U"},
    "bio": {"", "B", "I"},
    "iob1": {"", "B", "I"},
    "io": {""},
}


@dataclass(frozen=True)
class RawTags:
    """Which output of a tagger each BILUO tag reads.

    n_outputs: Outputs of the tagger.
    labels: Labels of entities, in the order of their first outputs.
    outside: The output that says O.
    columns: The output that each tag reads; `NOTHING` where no output says it.
    joined: For each label, whether two entities side by side cannot be told from one.
    restarts: For each label, in IOB1: the output that begins an entity right after another.
    """

    n_outputs: int
    labels: tuple[str, ...]
    outside: int
    columns: tuple[int, ...]
    joined: tuple[bool, ...]
    restarts: tuple[int, ...]

    @property
    def readings(self) -> tuple[int, ...]:
        """What each tag reads, by number: tags with the same number always have the same score."""
        keys: list[tuple[int, bool]] = []
        for tag, column in enumerate(self.columns):
            label, kind = divmod(tag - 1, len(KINDS))
            # In IOB1 B and U read more than the output that they share with I and L.
            is_start = tag > 0 and KINDS[kind] in "BU" and self.restarts[label] != NOTHING
            keys.append((column, is_start))
        order = list(dict.fromkeys(key for key in keys if key[0] != NOTHING))
        return tuple(order.index(key) if key in order else NOTHING for key in keys)


def find_scheme(outputs: Sequence[str]) -> str:
    """Tell the scheme of a tagger by the names of its outputs.

    RETURNS: One of `SCHEMES`.
    """
    found = [match for name in outputs if (match := _PREFIXED.fullmatch(name))]
    kinds: dict[str, set[str]] = {}
    for match in found:
        kinds.setdefault(match[2], set()).add(_KIND_OF[match[1]])
    every = set().union(*kinds.values())
    # Without a B anywhere, names such as E-mail are words and not tags.
    if "B" not in every:
        return "io"
    if every & {"L", "U"}:
        return "biluo"
    # In IOB1 only entities right after another of their label begin with B, which some never do.
    is_iob1 = any("I" in known and "B" not in known for known in kinds.values())
    return "iob1" if is_iob1 else "bio"


def read_outputs(outputs: Sequence[str], scheme: str) -> RawTags:
    """Say which output each BILUO tag reads.

    outputs: Names of the tagger's outputs, in order.
    scheme: One of `SCHEMES`. What has no prefix is read as in "io", whatever the scheme.
    Raises: SettingError if there is no "O", no entity, or the same tag twice.
    """
    if scheme not in SCHEMES:
        expected = f"one of {', '.join(SCHEMES)}"
        raise SettingError(Errors.SB002.format(name="scheme", expected=expected, got=scheme))
    if outputs.count(OUTSIDE) != 1:
        raise SettingError(Errors.SB740.format(got=_show(outputs)))
    known = _group(outputs, scheme)
    if not known:
        raise SettingError(Errors.SB741.format(got=_show(outputs), problem="no label of entities"))
    columns, joined, restarts = [outputs.index(OUTSIDE)], [], []
    for label, found in known.items():
        if not set(found) <= _KNOWN[scheme] or ("" in found and len(found) > 1):
            problem = f"the tags of '{label}' no such scheme"
            raise SettingError(Errors.SB741.format(got=_show(outputs), problem=problem))
        mine, is_joined = _read_label(found, scheme)
        columns += mine
        joined.append(is_joined)
        is_iob1 = scheme == "iob1" and not is_joined
        restarts.append(found.get("B", NOTHING) if is_iob1 else NOTHING)
    return RawTags(
        len(outputs), tuple(known), columns[0], tuple(columns), tuple(joined), tuple(restarts)
    )


def _group(outputs: Sequence[str], scheme: str) -> dict[str, dict[str, int]]:
    """Sort outputs by label: {"PER": {"B": 1, "I": 2}}; kind "" is a label without prefix."""
    names = [name for name in outputs if name != OUTSIDE]
    is_tagged = scheme != "io" or all(name[:2] in ("I-", "I_") for name in names)
    known: dict[str, dict[str, int]] = {}
    for index, name in enumerate(outputs):
        if name == OUTSIDE:
            continue
        match = _PREFIXED.fullmatch(name) if is_tagged else None
        label, kind = (match[2], _KIND_OF[match[1]]) if match else (name, "")
        if scheme == "io":
            kind = ""
        places = known.setdefault(label, {})
        if kind in places:
            raise SettingError(
                Errors.SB741.format(got=_show(outputs), problem=f"'{name}' said by two outputs")
            )
        places[kind] = index
    return known


def _read_label(found: dict[str, int], scheme: str) -> tuple[list[int], bool]:
    """Columns of B, I, L and U of one label, and whether its entities run together."""
    if len(found) == 1 and ("" in found or "I" in found):
        return [*found.values()] * len(KINDS), True
    if scheme == "iob1" and "I" in found:
        return [found["I"]] * len(KINDS), False
    begin, inside = found.get("B", NOTHING), found.get("I", NOTHING)
    # Schemes with no tag of their own for the last token, or for the only one, write I and B.
    return [begin, inside, found.get("L", inside), found.get("U", begin)], False


def _show(outputs: Sequence[str]) -> str:
    shown = ", ".join(str(name)[:40] for name in outputs[:12])
    return f"{shown} and {len(outputs) - 12} more" if len(outputs) > 12 else shown or "nothing"

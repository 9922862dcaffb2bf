"""What a page of the documentation has for a test: its marked blocks, in order.

    <!-- test -->                    the fenced block below is run: python or bash. A text block is
                                     compared: each of its lines must be in what the block before
                                     printed, and "..." in a line stands for anything
    <!-- test: write NAME -->        the fenced block below is written to this file
    <!-- test: copy THING NAME -->   a thing of conftest.py (its THINGS) is put there under a name
    <!-- test: needs MODULE -->      the page is skipped where the module cannot be imported

Blocks may be indented, as in a list. Blocks without a mark are not looked at.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

MARK = re.compile(r"^[ \t]*<!--[ \t]*test(?::[ \t]*(?P<what>.*?))?[ \t]*-->[ \t]*$")
FENCE = re.compile(r"^(?P<fence>[ ]*(?:`{3,}|~{3,}))[ \t]*(?P<language>[\w+-]*)[^`]*$")
RUN = ("python", "bash", "text")


@dataclass(frozen=True)
class Block:
    """One marked block: what to do with its text, and the line of the page where that begins."""

    action: str  # "python", "bash", "text", "write", "copy" or "needs"
    text: str
    line: int
    arguments: tuple[str, ...] = ()


def read_blocks(path: Path) -> list[Block]:
    """Read the marked blocks of a page.

    path (Path): A Markdown file.
    RETURNS (list[Block]): In the order of the page.
    RAISES (ValueError): A mark says what nobody understands, or no block is below it.
    """
    lines = path.read_text(encoding="utf8").split("\n")
    found, at = [], 0
    while at < len(lines):
        fence = FENCE.match(lines[at])
        mark = MARK.match(lines[at])
        if mark is not None:
            at, block = _read_marked(lines, at, mark["what"] or "", where=path.name)
            found.append(block)
        elif fence is not None:  # a block without a mark may hold what looks like one
            at, _ = _read_fence(lines, at, fence["fence"], where=path.name)
        else:
            at += 1
    return found


def _read_marked(lines: list[str], at: int, what: str, *, where: str) -> tuple[int, Block]:
    action, *arguments = what.split() or ["run"]
    n_expected = {"run": 0, "write": 1, "copy": 2, "needs": 1}.get(action)
    if len(arguments) != n_expected:
        raise ValueError(f"{where}:{at + 1}: nobody understands the mark '{what}'")
    if action in ("copy", "needs"):
        return at + 1, Block(action, "", at + 1, tuple(arguments))
    below = at + 1
    while below < len(lines) and not lines[below].strip():
        below += 1
    fence = FENCE.match(lines[below]) if below < len(lines) else None
    if fence is None:
        raise ValueError(f"{where}:{at + 1}: no fenced block below the mark")
    end, text = _read_fence(lines, below, fence["fence"], where=where)
    if action == "run":
        action = fence["language"]
        if action not in RUN:
            raise ValueError(f"{where}:{below + 1}: a block of '{action}', expected one of {RUN}")
    return end, Block(action, text, below + 2, tuple(arguments))


def _read_fence(lines: list[str], at: int, fence: str, *, where: str) -> tuple[int, str]:
    for end in range(at + 1, len(lines)):
        if lines[end].rstrip() == fence:
            return end + 1, dedent("\n".join(lines[at + 1 : end])) + "\n"
    raise ValueError(f"{where}:{at + 1}: the block has no end")

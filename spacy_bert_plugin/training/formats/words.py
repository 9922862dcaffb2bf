"""Words and the spaces between them."""

from collections.abc import Sequence


def join_words(
    words: Sequence[str], spaces: Sequence[bool] | None
) -> tuple[str, list[tuple[int, int]]]:
    """Write words out as a text.

    words (Sequence[str]): The words.
    spaces (Sequence[bool]): Whether a space follows each. None: one follows each but the last.
    RETURNS (tuple): The text, and start and end of each word in characters.
    """
    if spaces is None:
        spaces = [True] * (len(words) - 1) + [False] * bool(words)
    parts: list[str] = []
    offsets = []
    position = 0
    for word, has_space in zip(words, spaces, strict=True):
        offsets.append((position, position + len(word)))
        part = f"{word} " if has_space else word
        parts.append(part)
        position += len(part)
    return "".join(parts), offsets


def align_words(words: Sequence[str], text: str) -> tuple[bool, ...] | None:
    """Find in a raw text which words a space follows.

    White space of any kind and length counts as one space.
    RETURNS (tuple): One bool a word, or None where the words do not spell the text.
    """
    spaces = []
    position = _skip_blanks(text, 0)
    for word in words:
        if not text.startswith(word, position):
            return None
        end = position + len(word)
        position = _skip_blanks(text, end)
        spaces.append(position > end)
    return tuple(spaces) if position == len(text) else None


def _skip_blanks(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position

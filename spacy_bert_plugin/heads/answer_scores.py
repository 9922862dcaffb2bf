"""How right an answer is: exact match and F1 as the evaluations of SQuAD and CMRC have them.

SQuAD: Rajpurkar et al. (2016), section 6.1, https://arxiv.org/abs/1606.05250; with questions that
have no answer: Rajpurkar et al. (2018), https://arxiv.org/abs/1806.03822. Chinese: Cui et al.
(2019), https://arxiv.org/abs/1810.07366, whose F1 is of the longest common run of characters.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_CHINESE_MARKS = frozenset("-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
_CHINESE_LETTER = re.compile("[\u4e00-\u9fa5]")


def normalize_answer(text: str) -> str:
    """Lower the case, take out punctuation and English articles, and make white space single."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def match_exactly(answer: str, gold: str) -> float:
    """1.0 if two answers are the same once normalised, else 0.0."""
    return float(normalize_answer(answer) == normalize_answer(gold))


def word_f1(answer: str, gold: str) -> float:
    """F1 of the words that two answers share, counted. Nothing at all is only like nothing."""
    words, wanted = normalize_answer(answer).split(), normalize_answer(gold).split()
    if not words or not wanted:
        return float(words == wanted)
    n_shared = sum((Counter(words) & Counter(wanted)).values())
    return _f1(n_shared, len(words), len(wanted))


def match_characters(answer: str, gold: str) -> float:
    """1.0 if two Chinese answers are the same but for punctuation and case, else 0.0."""
    return float(_strip_marks(answer) == _strip_marks(gold))


def character_f1(answer: str, gold: str) -> float:
    """F1 of the longest run of Chinese characters, and words of other scripts, that two share."""
    parts, wanted = split_characters(answer), split_characters(gold)
    if not parts or not wanted:
        return float(parts == wanted)
    return _f1(_longest_common_run(parts, wanted), len(parts), len(wanted))


def split_characters(text: str) -> list[str]:
    """Cut into Chinese characters, and words of what is between; punctuation is left out."""
    spaced = _CHINESE_LETTER.sub(r" \g<0> ", _strip_marks(text))
    return spaced.split()


Measure = tuple[Callable[[str, str], float], Callable[[str, str], float]]
METHODS: Mapping[str, Measure] = MappingProxyType(
    {"squad": (match_exactly, word_f1), "cmrc": (match_characters, character_f1)}
)


def score_answer(answer: str, gold: Sequence[str], *, method: str = "squad") -> tuple[float, float]:
    """Compare an answer with all that are right; the best one counts.

    answer: What was answered; "" is "there is no answer".
    gold: Right answers. None, or none but articles and punctuation: there is no answer.
    method: One of `METHODS`.
    RETURNS: Exact match and F1, from 0.0 to 1.0.
    """
    match, f1 = METHODS[method]
    wanted = [text for text in gold if not match(text, "")] or [""]
    return max(match(answer, text) for text in wanted), max(f1(answer, text) for text in wanted)


def _f1(n_shared: int, n_answer: int, n_gold: int) -> float:
    # 2PR / (P + R), without the steps between
    return 2.0 * n_shared / (n_answer + n_gold)


def _strip_marks(text: str) -> str:
    return "".join(char for char in text.lower().strip() if char not in _CHINESE_MARKS)


def _longest_common_run(one: Sequence[str], other: Sequence[str]) -> int:
    """Length of the longest sequence without gaps that is in both."""
    best = 0
    before = [0] * (len(other) + 1)
    for part in one:
        here = [0] * (len(other) + 1)
        for place, candidate in enumerate(other, start=1):
            if part == candidate:
                here[place] = before[place - 1] + 1
                best = max(best, here[place])
        before = here
    return best

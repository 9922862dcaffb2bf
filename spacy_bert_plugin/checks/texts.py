"""Texts that have broken pipelines, and ordinary ones with annotation."""

from __future__ import annotations

import random
import sys
import unicodedata
from functools import cache
from typing import Any

_ROOT, _MODIFIER, _OBJECT = "ROOT", "det", "obj"


def _annotate(text: str, category: str, entity: tuple[int, str]) -> tuple[str, dict[str, Any]]:
    """Annotate a sentence of words that are parted by spaces, for any component of spaCy's.

    entity: Number of the word that is an entity, and its label.
    """
    words = text.split()
    place, label = entity
    start = len(" ".join(words[:place])) + bool(place)
    span = (start, start + len(words[place]), label)
    return text, {
        "tags": ["VB", *["NN"] * (len(words) - 1)],
        "pos": ["VERB", *["NOUN"] * (len(words) - 1)],
        "morphs": ["VerbForm=Inf", *["Number=Sing"] * (len(words) - 1)],
        "lemmas": words,
        "heads": [0, *range(len(words) - 1)],
        "deps": [_ROOT, _OBJECT, *[_MODIFIER] * (len(words) - 2)],
        "sent_starts": [1, *[0] * (len(words) - 1)],
        "entities": [span],
        "spans": {"sc": [span]},
        "cats": {name: float(name == category) for name in ("PLAY", "BOOK")},
    }


GOLD = [
    _annotate("play music in berlin", "PLAY", (3, "CITY")),
    _annotate("book a table for two in paris tomorrow", "BOOK", (6, "CITY")),
    _annotate("play the long movie please", "PLAY", (3, "TITLE")),
    _annotate("book seven tickets to london", "BOOK", (4, "CITY")),
]

SENTENCES = [
    "Play some music in the kitchen.",
    "Book a table for two at seven in London, please!",
    "Rain",
    "The weather of tomorrow is good in New York and bad in Berlin; nobody knows why it is so.",
    "Dr. Müller's house (in Zürich) isn't for sale - is it?",
    "set an alarm",
    "He said: \u201cHello, world.\u201d And he left. Nobody saw him again in that long street.",
    "turn the light off in the kitchen and on in the house " * 4,
]

BLANKS = {  # row -> texts without a letter
    2: [" ", "\n", "\t\t\r\n", "   \n  "],
    3: ["\u00a0", "\u2009", "\u3000", "\u00a0\u2009\u3000"],
    4: ["\u200b", "\u200d", "\u200c", "\ufeff", "\u2060", "\u200b\u200d\u200c\ufeff\u2060"],
    5: ["\u00ad", "\ufe0f", "\u0301", "\u00ad\ufe0f\u0301"],
    6: ["\x00", "a\x00b", "\x01\x02\x1f\x7f", "the\x0bhouse\x0cis\x1bgood"],
    7: ["\ufffd", "\ue000", "\ufdd0", "\uffff", "\U0010ffff", "a \ufffd b \ue000 c \ufdd0"],
}

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
EMOJI = [
    FAMILY,
    "\U0001f1e9\U0001f1ea \U0001f1eb\U0001f1f7",
    "".join(f"\U0001f44d{chr(0x1F3FB + n % 5)}" for n in range(10)),
    f"the {FAMILY} is good \U0001f44d\U0001f3fd",
]
COMBINED = ["a" + "\u0301" * 200, "".join(c + "\u0336\u0489\u035c" * 10 for c in "zalgo text")]
RIGHT_TO_LEFT = [
    "\u202e\u05d0\u05d1\u05d2\u202c x",
    "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645",
    "the \u202egood \u05d0\u05d1\u05d2 house",
]
TWO_FORMS = ["caf\u00e9", "Z\u00fcrich", "\u00c5ngstr\u00f6m", "\ud55c\uad6d\uc5b4", "\u1e69"]
CHANGING = ["\ufb01ne \u0130stanbul Stra\u00dfe", "\uff21\uff22\uff23", "\u0130" * 50, "\u017fo"]
SPECIALS = ["[CLS]", "[SEP]", "[PAD]", "[MASK]", "[UNK]", "<s>", "</s>", "<pad>", "<mask>"]
MARKED = ["##ing", "\u2581x", "\u0120x", "play ##ing \u2581the \u0120house", "@@x x@@"]
FOREIGN = ["\u4eca\u5929\u5929\u6c14\u5f88\u597d", "\u1780\u17d2\u1798\u17c2\u179a", "\U00012000"]
NAUGHTY = [
    "undefined", "nil", "None", "null", "NaN", "-1e400", "0x0", "1/0", "\\", "\\\\", "'", '"', "''",
    "<script>alert(1)</script>", "'; DROP TABLE docs; --", "$(touch x)", "`id`", "%s%s%n", "{0}",
    "{{7*7}}", "../../etc/passwd", "file:///dev/null", "https://a.b/?q=\u00e9#x", "a@b.c", "--help",
    "\u03a9\u2248\u00e7\u221a\u222b", "\u2070\u2074\u2075", "\u0e14\u0e49\u0e49\u0e49\u0e49",
    "(\u256f\u00b0\u25a1\u00b0)\u256f", "\u30c4", "\u202atest\u202b", "\u2066test\u2067", "\u180e",
    "\ufeffbom", "line\u2028sep", "par\u2029sep", "\x85", "e\u0301e\u0301", "\U0001d54b\U0001d559",
    "1.000,00", "1,000.00", "\u0661\u0662\u0663", "\u00bd\u2153", "...", "!!!???", "a" * 500,
    "a b c d e f g h i j k l m n o p q r s t u v w x y z " * 3, "((((((((((", "]]]]]]]", "\t;\t",
]  # fmt: skip


def make_random_texts(n_texts: int, *, seed: int = 0) -> list[str]:
    """Make texts of characters of every Unicode category, surrogates left out."""
    rng = random.Random(seed)
    by_category = _sort_characters()
    categories = sorted(by_category)
    return [
        "".join(
            rng.choice(by_category[rng.choice(categories)]) for _ in range(rng.randrange(1, 30))
        )
        for _ in range(n_texts)
    ]


@cache
def _sort_characters() -> dict[str, list[str]]:
    by_category: dict[str, list[str]] = {}
    for code in range(sys.maxunicode + 1):
        if not 0xD800 <= code <= 0xDFFF:
            char = chr(code)
            by_category.setdefault(unicodedata.category(char), []).append(char)
    return by_category

"""Phrasings and fillers become utterances: parts of text, each with a slot label or without."""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Part = tuple[str, str]  # text, slot label ("" outside of slots)

NUMBERS = {
    2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine",
    10: "ten", 11: "eleven", 12: "twelve", 15: "fifteen", 20: "twenty", 25: "twenty five",
    30: "thirty", 40: "forty", 45: "forty five", 50: "fifty", 60: "sixty", 90: "ninety",
}  # fmt: skip
# Numbers are split like words are: some minutes, degrees and percentages are for testing only.
MINUTES = {"train": [0, 15, 30, 45], "heldout": [5, 10, 20, 35, 40, 50, 55]}
AMOUNTS = {
    "train": [2, 3, 4, 5, 10, 15, 20, 30, 45, 90],
    "heldout": [6, 7, 8, 9, 11, 12, 25, 40, 50, 60],
}


@dataclass(frozen=True)
class Fillers:
    """The fillers of one split of the data.

    words (dict): Name of a list -> its entries in general use.
    heldout (dict): Name of a list -> entries that only this split uses. Empty when training.
    labels (dict): Name of a list -> slot label.
    shopping (list): Groups of amounts with the items that they fit, as in fillers.yml.
    p_heldout (float): How often a slot is filled from `heldout`.
    """

    words: dict[str, list[str]]
    heldout: dict[str, list[str]]
    labels: dict[str, str]
    shopping: list[dict[str, Any]]
    p_heldout: float

    def choose(self, name: str, rng: random.Random) -> str:
        """One entry of a list of words."""
        return str(rng.choice(self.pool(self.words[name], self.heldout.get(name, []), rng)))

    def pool(self, words: Sequence[Any], heldout: Sequence[Any], rng: random.Random) -> Any:
        """Either the general entries or, with probability `p_heldout`, the held-out ones."""
        return heldout if heldout and rng.random() < self.p_heldout else words

    def number(self, table: dict[str, list[int]], rng: random.Random) -> int:
        """A number of a table that is split like the words are."""
        return int(rng.choice(self.pool(table["train"], self.split_only(table), rng)))

    def split_only(self, table: dict[str, list[int]]) -> list[int]:
        return table["heldout"] if self.p_heldout else []


def say_clock(minute: int, hour: str, next_hour: str) -> str:
    """Minutes past an hour, or to the next one, in words."""
    if minute == 0:
        return f"{hour} o'clock"
    if minute in (15, 45):
        return f"quarter past {hour}" if minute == 15 else f"quarter to {next_hour}"
    if minute == 30:
        return f"half past {hour}"
    return (
        f"{NUMBERS[minute]} past {hour}"
        if minute < 30
        else f"{NUMBERS[60 - minute]} to {next_hour}"
    )


def fill_clock(fillers: Fillers, rng: random.Random) -> list[Part]:
    minute, hour = fillers.number(MINUTES, rng), rng.randint(1, 12)
    word = NUMBERS.get(hour, "one")
    style = rng.choice(["digits", "digits", "words", "fixed"])
    if style == "fixed":
        return [
            (rng.choice(["noon", "midnight", f"{word} o'clock", f"{word} in the evening"]), "time")
        ]
    if style == "words":
        return [(say_clock(minute, word, NUMBERS.get(hour % 12 + 1, "one")), "time")]
    if minute == 0 and rng.random() < 0.7:
        return [(f"{hour} {rng.choice(['am', 'pm'])}", "time")]
    after = rng.choice(["", "", " am", " pm"])
    return [(f"{hour}:{minute:02}{after}", "time")]


def fill_duration(fillers: Fillers, rng: random.Random) -> list[Part]:
    n = fillers.number(AMOUNTS, rng)
    if rng.random() < 0.2:
        fixed = [
            "an hour",
            "half an hour",
            "an hour and a half",
            "one minute",
            "a quarter of an hour",
        ]
        return [(rng.choice(fixed), "duration")]
    unit = rng.choice(
        ["minutes", "minutes", "seconds", "hours"] if n < 13 else ["minutes", "seconds"]
    )
    extra = (
        f" and {rng.choice([10, 20, 30])} seconds"
        if unit == "minutes" and rng.random() < 0.1
        else ""
    )
    return [(f"{rng.choice([str(n), NUMBERS[n]])} {unit}{extra}", "duration")]


def fill_duration_one(fillers: Fillers, rng: random.Random) -> list[Part]:
    n = fillers.number(AMOUNTS, rng)
    unit = rng.choice(["minute", "minute", "second", "hour"] if n < 13 else ["minute", "second"])
    return [(f"{rng.choice([str(n), NUMBERS[n]])} {unit}", "duration")]


def fill_temperature(fillers: Fillers, rng: random.Random) -> list[Part]:
    celsius = [18, 20, 21, 22, 24], [16, 17, 19, 23, 25]
    fahrenheit = [65, 68, 70, 72], [66, 67, 69, 71, 75]
    n = rng.choice(
        fillers.pool(*celsius, rng) if rng.random() < 0.65 else fillers.pool(*fahrenheit, rng)
    )
    half = ".5" if n < 30 and rng.random() < 0.15 else ""
    unit = rng.choice(["", " degrees", " degrees", " celsius" if n < 30 else " degrees fahrenheit"])
    return [(f"{n}{half}{unit}", "temperature")]


def fill_temperature_step(fillers: Fillers, rng: random.Random) -> list[Part]:
    n = rng.choice(fillers.pool([2, 3, 5], [4, 6], rng))
    return [(rng.choice(["one degree", f"{n} degrees", f"{NUMBERS[n]} degrees"]), "temperature")]


def fill_level(fillers: Fillers, rng: random.Random) -> list[Part]:
    n = rng.choice(fillers.pool([10, 20, 30, 50, 60, 90], [15, 25, 40, 45], rng))
    return [(rng.choice([f"{n}%", f"{n} percent", f"{NUMBERS[n]} percent"]), "level")]


def fill_when(fillers: Fillers, rng: random.Random) -> list[Part]:
    if rng.random() < 0.6:
        return [(fillers.choose("day", rng), "date")]
    return [("on ", ""), (fillers.choose("weekday", rng), "date")]


def fill_day(fillers: Fillers, rng: random.Random) -> list[Part]:
    return [(fillers.choose(rng.choice(["day", "weekday"]), rng), "date")]


def fill_item(fillers: Fillers, rng: random.Random) -> list[Part]:
    group = rng.choice(fillers.shopping)
    return [(rng.choice(fillers.pool(group["train"], group["heldout"], rng)), "item")]


def fill_amount_item(fillers: Fillers, rng: random.Random) -> list[Part]:
    group = rng.choice(fillers.shopping)
    item = rng.choice(fillers.pool(group["train"], group["heldout"], rng))
    amount, of = re.fullmatch(r"(.*?)( of)?", rng.choice(group["amount"])).groups()  # type: ignore[union-attr]
    return [(amount, "amount"), (f"{of or ''} ", ""), (item, "item")]


FILL: dict[str, Callable[[Fillers, random.Random], list[Part]]] = {
    "clock": fill_clock,
    "duration": fill_duration,
    "duration_one": fill_duration_one,
    "temperature": fill_temperature,
    "temperature_step": fill_temperature_step,
    "level": fill_level,
    "when": fill_when,
    "day": fill_day,
    "item": fill_item,
    "amount_item": fill_amount_item,
}


def expand_choices(line: str, rng: random.Random) -> str:
    """Pick one alternative of every (a|b) of a phrasing, the innermost first."""
    while match := re.search(r"\(([^()]*)\)", line):
        chosen = rng.choice(match.group(1).split("|"))
        line = line[: match.start()] + chosen + line[match.end() :]
    return line


def fill_line(line: str, fillers: Fillers, rng: random.Random) -> list[Part]:
    """Turn one phrasing into parts.

    line (str): Phrasing, as in phrasings.yml.
    fillers (Fillers): Words of the split.
    rng (Random): Source of every choice.
    RETURNS (list): Parts whose texts, joined, are the utterance.
    """
    parts: list[Part] = []
    for piece in re.split(r"(\{[^{}]*\})", expand_choices(line, rng)):
        if not piece.startswith("{"):
            parts.append((piece, ""))
        elif "=" in piece:
            label, _, words = piece[1:-1].partition("=")
            parts.append((rng.choice(words.split("/")), label))
        elif piece[1:-1] in FILL:
            parts.extend(FILL[piece[1:-1]](fillers, rng))
        else:
            name = piece[1:-1]
            parts.append((fillers.choose(name, rng), fillers.labels[name]))
    return [(text, label) for text, label in parts if text]


def expand_all(line: str) -> list[str]:
    """Every way to pick the alternatives of a phrasing, for the held-out check."""
    match = re.search(r"\(([^()]*)\)", line)
    if match is None:
        return [line]
    before, after = line[: match.start()], line[match.end() :]
    return [way for word in match.group(1).split("|") for way in expand_all(before + word + after)]


def list_skeletons(line: str, labels: dict[str, str]) -> set[str]:
    """All texts that a phrasing can become, with the slots blanked out.

    line (str): Phrasing.
    labels (dict): Name of a list of fillers -> slot label.
    RETURNS (set): Two phrasings with a skeleton in common say the same thing in the same words.
    """
    made = {"clock": "time", "duration_one": "duration", "temperature_step": "temperature"}
    made |= {"when": "date", "amount_item": "amount> <item"}

    def blank(match: re.Match[str]) -> str:
        name = match.group(1).partition("=")[0]
        return f"<{made.get(name, labels.get(name, name))}>"

    return {
        " ".join(re.sub(r"\{([^{}]*)\}", blank, way).lower().split()) for way in expand_all(line)
    }

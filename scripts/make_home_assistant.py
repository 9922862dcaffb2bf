"""Generate a joint intent and slot data set of a home assistant.

Test and development utterances come from phrasings that training never sees, and about half of
their slots hold words that training never sees. The same seed gives the same files.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import spacy
import srsly
import typer
from spacy.tokens import DocBin
from utterances import Fillers, Part, fill_line, list_skeletons
from wasabi import msg

HERE = Path(__file__).parent / "home_assistant"
SIZES = {"train": 2400, "dev": 250, "test": 300}
QUESTION = re.compile(
    r"(what|which|how|who|where|when|why|is|are|am|do|does|did|will|would|was|has|have i|can|could"
    r"|should|any)\b",
    re.IGNORECASE,
)
# Polite starts and ends. The held-out ones never occur in training.
STARTS = {
    "train": [
        "please",
        "can you",
        "could you",
        "can you please",
        "hey",
        "ok home",
        "hey house",
        "would you",
    ],
    "heldout": [
        "kindly",
        "could you please",
        "hey home",
        "i'd like you to",
        "go ahead and",
        "be so kind and",
    ],
}
GREETINGS = {"train": ["hey", "ok home", "hi", "hey house"], "heldout": ["hey home", "hello"]}
ENDS = {
    "train": ["please", "thanks", "for me", "thank you"],
    "heldout": ["if you can", "thanks a lot", "if possible"],
}


# What a comma follows, or goes before, where people write with care.
CALLS = ("hey", "hi", "hello", "ok home", "hey house", "hey home")
THANKS = (" please", " thanks", " thank you", " thanks a lot")


@dataclass(frozen=True)
class Utterance:
    """One row: a text, what it asks for, and its slots.

    spans (tuple): Start, end (in characters) and label of every slot, in order.
    phrasing (str): The line of phrasings.yml that it was made from.
    """

    text: str
    intent: str
    spans: tuple[tuple[int, int, str], ...]
    phrasing: str


def load_fillers(data: dict[str, Any], split: str) -> Fillers:
    """Cut the fillers for one split.

    data (dict): Content of fillers.yml.
    split (str): "train", "dev" or "test".
    RETURNS (Fillers): Training gets no held-out words, dev a third of them, test the others.
    """

    def cut(words: list[str]) -> list[str]:
        dev = words[::3]
        return {"train": [], "dev": dev, "test": [w for w in words if w not in dev]}[split]

    lists = {name: entry for name, entry in data.items() if name != "shopping"}
    return Fillers(
        words={name: entry["train"] for name, entry in lists.items()},
        heldout={name: cut(entry["heldout"]) for name, entry in lists.items()},
        labels={name: entry["label"] for name, entry in lists.items()},
        shopping=[{**group, "heldout": cut(group["heldout"])} for group in data["shopping"]],
        p_heldout=0.0 if split == "train" else 0.55,
    )


def add_politeness(
    parts: list[Part], *, can_ask: bool, split: str, rng: random.Random
) -> tuple[list[Part], bool]:
    """Put a polite start or end around some utterances.

    can_ask (bool): The utterance is an imperative, which fits after "could you".
    RETURNS (tuple): The parts, and whether they are a question now.
    """
    use_heldout = split != "train" and rng.random() < 0.4
    key = "heldout" if use_heldout else "train"
    start, said = "", "".join(text for text, _ in parts)
    if rng.random() < (0.35 if can_ask else 0.08):
        start = rng.choice((STARTS if can_ask else GREETINGS)[key])
        parts = [(f"{start} ", ""), *parts]
    if can_ask and rng.random() < 0.15 and "please" not in start + said:
        parts = [*parts, (f" {rng.choice(ENDS[key])}", "")]
    is_asked = start.startswith(("can", "could", "would")) or bool(QUESTION.match(said))
    return parts, is_asked


def make_typo(word: str, rng: random.Random) -> str:
    """Swap, drop or double one inner letter."""
    at = rng.randrange(1, len(word) - 2)
    kind = rng.choice(["swap", "drop", "double"])
    if kind == "swap":
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + (word[at] * 2 if kind == "double" else "") + word[at + 1 :]


def add_typo(parts: list[Part], rng: random.Random) -> list[Part]:
    """Misspell one longer word outside of the slots."""
    places = [
        (i, match)
        for i, (text, label) in enumerate(parts)
        if not label
        for match in re.finditer(r"[a-z]{5,}", text)
    ]
    if not places:
        return parts
    i, match = rng.choice(places)
    text = parts[i][0]
    changed = text[: match.start()] + make_typo(match.group(), rng) + text[match.end() :]
    return [*parts[:i], (changed, ""), *parts[i + 1 :]]


def set_style(parts: list[Part], *, is_question: bool, rng: random.Random) -> list[Part]:
    """Spell as people do: often all in lower case and without a full stop."""
    style = rng.choices(["lower", "written", "capital"], weights=[45, 35, 20])[0]
    if style == "lower":
        return [(text.lower(), label) for text, label in parts]
    parts = [(re.sub(r"\bi\b", "I", text), label) for text, label in parts]
    if style == "written":
        parts = [*add_commas(parts), ("?" if is_question else rng.choices(".!", [7, 1])[0], "")]
    first, label = parts[0]
    return [(first[:1].upper() + first[1:], label), *parts[1:]]


def add_commas(parts: list[Part]) -> list[Part]:
    """Commas after a greeting and before thanks."""
    (first, first_label), (last, last_label) = parts[0], parts[-1]
    if not first_label and first.strip() in CALLS:
        parts = [(f"{first.strip()}, ", ""), *parts[1:]]
    if not last_label and last in THANKS:
        parts = [*parts[:-1], (f",{last}", "")]
    return parts


def make_utterance(
    intent: str, mood: str, line: str, split: str, fillers: Fillers, rng: random.Random
) -> Utterance:
    """One utterance from one phrasing."""
    parts = fill_line(line, fillers, rng)
    parts, is_question = add_politeness(parts, can_ask=mood == "ask", split=split, rng=rng)
    if rng.random() < 0.06:
        parts = add_typo(parts, rng)
    parts = set_style(parts, is_question=is_question, rng=rng)
    spans, at = [], 0
    for text, label in parts:
        if label:
            spans.append((at, at + len(text), label))
        at += len(text)
    return Utterance("".join(text for text, _ in parts), intent, tuple(spans), line)


def make_split(
    split: str, phrasings: dict[str, Any], fillers: Fillers, n: int, rng: random.Random
) -> list[Utterance]:
    """`n` different utterances, the same number for every intent, every phrasing in use."""
    rows: dict[str, Utterance] = {}
    for i, (intent, splits) in enumerate(phrasings.items()):
        lines = [(mood, line) for mood, group in splits[split].items() for line in group]
        wanted = n * (i + 1) // len(phrasings)
        order: list[tuple[str, str]] = []
        while len(rows) < wanted:
            order = order or rng.sample(lines, len(lines))
            row = make_utterance(intent, *order.pop(), split, fillers, rng)
            rows.setdefault(row.text.lower().strip(".!?"), row)
    shuffled = list(rows.values())
    rng.shuffle(shuffled)
    return shuffled


def check_phrasings(phrasings: dict[str, Any], labels: dict[str, str]) -> None:
    """Make sure that no phrasing of one split can come out like one of another.

    RAISES (ValueError): Skeletons in common, which are named.
    """
    skeletons: dict[str, set[str]] = {}
    for splits in phrasings.values():
        for split, moods in splits.items():
            found = [list_skeletons(line, labels) for lines in moods.values() for line in lines]
            skeletons.setdefault(split, set()).update(*found)
    for one, other in (("train", "dev"), ("train", "test"), ("dev", "test")):
        if both := sorted(skeletons[one] & skeletons[other]):
            raise ValueError(f"{one} and {other} share {both}. Change phrasings.yml.")


def check_texts(splits: dict[str, list[Utterance]]) -> None:
    """Make sure that no text stands in two splits.

    RAISES (ValueError): Texts in common, which are named.
    """
    seen: dict[str, str] = {}
    for name, rows in splits.items():
        for row in rows:
            other = seen.setdefault(row.text.lower().strip(".!?"), name)
            if other != name:
                raise ValueError(f"{name} and {other} share {row.text!r}. Change phrasings.yml.")


def make_data(seed: int, sizes: dict[str, int] = SIZES) -> dict[str, list[Utterance]]:
    """The whole data set.

    seed (int): Fixes every choice.
    sizes (dict): Utterances of each split.
    RETURNS (dict): Split -> utterances.
    """
    phrasings = srsly.read_yaml(HERE / "phrasings.yml")
    words = srsly.read_yaml(HERE / "fillers.yml")
    check_phrasings(phrasings, load_fillers(words, "train").labels)
    splits = {
        name: make_split(
            name, phrasings, load_fillers(words, name), n, random.Random(f"{seed} {name}")
        )
        for name, n in sizes.items()
    }
    check_texts(splits)
    return splits


def write_split(rows: Sequence[Utterance], intents: Sequence[str], path: Path) -> None:
    """Write one split as `path`.spacy and `path`.jsonl.

    RAISES (ValueError): A slot does not begin or end where a token does.
    """
    nlp, db = spacy.blank("en"), DocBin()
    for row in rows:
        doc = nlp.make_doc(row.text)
        spans = [doc.char_span(start, end, label=label) for start, end, label in row.spans]
        if None in spans:
            raise ValueError(f"Slots and tokens disagree in {row.text!r}. Change fillers.yml.")
        doc.set_ents(spans, default="outside")
        doc.cats = {intent: float(intent == row.intent) for intent in intents}
        db.add(doc)
    path.parent.mkdir(parents=True, exist_ok=True)
    db.to_disk(path.with_suffix(".spacy"))
    lines = [
        {
            "text": row.text,
            "intent": row.intent,
            "spans": [{"start": s, "end": e, "label": label} for s, e, label in row.spans],
            "phrasing": row.phrasing,
        }
        for row in rows
    ]
    srsly.write_jsonl(path.with_suffix(".jsonl"), lines)


def main(out: Path = Path("corpus/home_assistant"), seed: int = 0) -> None:
    """Write train, dev and test to a folder, as .spacy and as .jsonl."""
    splits = make_data(seed)
    intents = sorted({row.intent for row in splits["train"]})
    table = []
    for name, rows in splits.items():
        write_split(rows, intents, out / name)
        labels = [label for row in rows for _, _, label in row.spans]
        table.append(
            (name, len(rows), len({r.phrasing for r in rows}), len(labels), len(set(labels)))
        )
    msg.table(
        table, header=("Split", "Utterances", "Phrasings", "Slots", "Slot labels"), divider=True
    )
    msg.good(
        f"Wrote {len(intents)} intents to {out}",
        f"No phrasing of dev or test occurs in train. Seed {seed}.",
    )


if __name__ == "__main__":
    typer.run(main)

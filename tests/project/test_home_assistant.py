"""The generated data: the same for the same seed, and nothing of the test set in training."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

import make_home_assistant as maker
import pytest
import spacy
import srsly
import utterances
from spacy.tokens import DocBin

Splits = dict[str, list[maker.Utterance]]


@pytest.fixture(scope="module")
def splits() -> Splits:
    return maker.make_data(0)


@pytest.fixture(scope="module")
def fillers() -> utterances.Fillers:
    return maker.load_fillers(srsly.read_yaml(maker.HERE / "fillers.yml"), "test")


def test_same_seed_same_data(splits: Splits) -> None:
    small = {"train": 30, "dev": 20, "test": 20}
    assert maker.make_data(7, small) == maker.make_data(7, small)
    assert maker.make_data(7, small) != maker.make_data(8, small)
    assert maker.make_data(0)["test"] == splits["test"]


def test_sizes_and_labels(splits: Splits) -> None:
    assert {name: len(rows) for name, rows in splits.items()} == maker.SIZES
    for rows in splits.values():
        intents = Counter(row.intent for row in rows)
        labels = {label for row in rows for _, _, label in row.spans}
        assert len(intents) == 10
        assert max(intents.values()) == min(intents.values())
        assert len(labels) == 19
        assert len({row.text.lower() for row in rows}) == len(rows)


@pytest.mark.parametrize("name", ["dev", "test"])
def test_nothing_was_said_in_training(splits: Splits, name: str) -> None:
    train, held = splits["train"], splits[name]
    assert not {row.text.lower() for row in train} & {row.text.lower() for row in held}
    assert not {row.phrasing for row in train} & {row.phrasing for row in held}
    words = {row.text[s:e].lower() for row in train for s, e, _ in row.spans}
    new = [
        row.text[s:e] for row in held for s, e, _ in row.spans if row.text[s:e].lower() not in words
    ]
    assert len(new) > 0.3 * sum(len(row.spans) for row in held)


def test_shared_phrasings_are_an_error() -> None:
    phrasings = {
        "a": {
            "train": {"ask": ["open the {door}(| now)"]},
            "test": {"say": ["open  the {robot}"]},
            "dev": {},
        }
    }
    with pytest.raises(ValueError, match=r"train and test share .'open the <device>'"):
        maker.check_phrasings(phrasings, {"door": "device", "robot": "device"})


def test_shared_texts_are_an_error() -> None:
    one = maker.Utterance("Stop.", "a", (), "stop")
    other = maker.Utterance("stop", "a", (), "halt")
    with pytest.raises(ValueError, match="share 'stop'"):
        maker.check_texts({"train": [one], "dev": [], "test": [other]})


@pytest.mark.parametrize("name", sorted(utterances.FILL))
def test_made_fillers(fillers: utterances.Fillers, name: str) -> None:
    for seed in range(50):
        parts = utterances.FILL[name](fillers, random.Random(seed))
        text = "".join(part for part, _ in parts)
        assert text == text.strip() != ""
        assert "  " not in text
        assert any(label for _, label in parts)


def test_training_words_are_general(fillers: utterances.Fillers) -> None:
    train = maker.load_fillers(srsly.read_yaml(maker.HERE / "fillers.yml"), "train")
    assert not any(train.heldout.values())
    assert all(fillers.heldout.values())
    for name, words in fillers.heldout.items():
        assert not set(words) & set(train.words[name])


def test_choices() -> None:
    line = "(a|b(1|2)) c(| d)"
    ways = utterances.expand_all(line)
    assert sorted(set(ways)) == ["a c", "a c d", "b1 c", "b1 c d", "b2 c", "b2 c d"]
    assert all(utterances.expand_choices(line, random.Random(seed)) in ways for seed in range(20))
    assert utterances.expand_all("") == [""]


@pytest.mark.parametrize(
    ("minute", "said"),
    [(0, "six o'clock"), (10, "ten past six"), (15, "quarter past six"), (30, "half past six"),
     (40, "twenty to seven"), (45, "quarter to seven")],
)  # fmt: skip
def test_clock(minute: int, said: str) -> None:
    assert utterances.say_clock(minute, "six", "seven") == said


def test_typos_spare_slots() -> None:
    parts = [("please open the ", ""), ("garage door", "device")]
    for seed in range(20):
        changed = maker.add_typo(parts, random.Random(seed))
        assert changed[1] == parts[1]
        assert changed[0] != parts[0]
    assert maker.add_typo([("on", "")], random.Random(0)) == [("on", "")]


def test_written_style() -> None:
    parts = [("hey ", ""), ("i think i need the ", ""), ("lamp", "device"), (" thanks", "")]
    styles = {
        "".join(
            text for text, _ in maker.set_style(parts, is_question=False, rng=random.Random(seed))
        )
        for seed in range(40)
    }
    assert "hey i think i need the lamp thanks" in styles
    assert "Hey, I think I need the lamp, thanks." in styles
    assert "Hey I think I need the lamp thanks" in styles


def test_files(tmp_path: Path) -> None:
    rows = maker.make_data(3, {"train": 20, "dev": 10, "test": 10})["train"]
    maker.write_split(rows, ["set_lights", "set_timer"], tmp_path / "deep" / "train")
    docs = list(
        DocBin().from_disk(tmp_path / "deep" / "train.spacy").get_docs(spacy.blank("en").vocab)
    )
    lines: list[Any] = list(srsly.read_jsonl(tmp_path / "deep" / "train.jsonl"))
    assert (
        [doc.text for doc in docs] == [line["text"] for line in lines] == [row.text for row in rows]
    )
    for doc, row, line in zip(docs, rows, lines, strict=True):
        assert [(e.start_char, e.end_char, e.label_) for e in doc.ents] == list(row.spans)
        assert len(line["spans"]) == len(row.spans)
        assert doc.cats == {name: float(name == row.intent) for name in ("set_lights", "set_timer")}


def test_a_slot_inside_a_token_is_an_error(tmp_path: Path) -> None:
    row = maker.Utterance("bedroom", "a", ((0, 3, "room"),), "bedroom")
    with pytest.raises(ValueError, match="'bedroom'"):
        maker.write_split([row], ["a"], tmp_path / "train")


def test_an_empty_split(tmp_path: Path) -> None:
    assert maker.make_data(0, {"train": 0, "dev": 0, "test": 0}) == {
        "train": [],
        "dev": [],
        "test": [],
    }
    maker.write_split([], [], tmp_path / "none")
    assert len(DocBin().from_disk(tmp_path / "none.spacy")) == 0

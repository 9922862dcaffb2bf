"""The card says what the pipeline knows about itself."""

from typing import Any

import srsly

from spacy_bert_plugin.interop.hub import write_card

META: dict[str, Any] = {
    "lang": "en",
    "name": "rooms",
    "version": "1.2.3",
    "license": "MIT",
    "description": "Rooms | music.",
    "pipeline": ["bert_transformer", "bert_textcat", "bert_ner"],
    "components": ["bert_transformer", "bert_textcat", "bert_ner"],
    "labels": {"bert_transformer": [], "bert_ner": ["ROOM", "A|B"], "bert_textcat": ["PLAY"]},
    "performance": {"ents_f": 0.875, "cats_acc": 1, "token_acc": None, "speed": 9.0},
}


def read_front(card: str) -> dict[str, Any]:
    _, front, _ = card.split("---\n", 2)
    return srsly.yaml_loads(front)


def test_front_matter() -> None:
    front = read_front(write_card(META, repository="owner/rooms"))
    assert front["library_name"] == "spacy"
    assert front["language"] == ["en"]
    assert front["license"] == "mit"
    assert front["pipeline_tag"] == "token-classification"
    assert set(front["tags"]) >= {"spacy", "token-classification", "text-classification"}
    (index,) = front["model-index"]
    assert index["name"] == "en_rooms"
    assert index["results"] == [
        {
            "task": {"name": "NER", "type": "token-classification"},
            "metrics": [{"name": "NER f_score", "type": "f_score", "value": 0.875}],
        },
        {
            "task": {"name": "TEXTCAT", "type": "text-classification"},
            "metrics": [{"name": "TEXTCAT accuracy", "type": "accuracy", "value": 1.0}],
        },
    ]


def test_text() -> None:
    card = write_card(META, repository="owner/rooms", wheel="en_rooms-1.2.3-py3-none-any.whl")
    for line in (
        "# en_rooms",
        "Rooms | music.",
        "| Version | 1.2.3 |",
        "| `bert_ner` | `ROOM`, `A\\|B` |",
        "| `ents_f` | 0.8750 |",
        'nlp = spacy.load(snapshot_download("owner/rooms"))',
    ):
        assert line in card.splitlines()
    url = "https://huggingface.co/owner/rooms/resolve/main/en_rooms-1.2.3-py3-none-any.whl"
    assert f"pip install 'en_rooms @ {url}'" in card
    assert "speed" not in card
    assert "token_acc" not in card


def test_nothing_known_is_said_of_nothing() -> None:
    card = write_card({}, repository="owner/x")
    assert read_front(card) == {
        "library_name": "spacy",
        "tags": ["spacy", "spacy-bert-plugin"],
        "language": ["xx"],
    }
    assert "## Labels" not in card
    assert "## Scores" not in card
    assert "Or as a package" not in card


def test_a_name_cannot_break_the_front_matter() -> None:
    meta = {**META, "name": 'x"\n---\nlicense: evil', "license": "a: b\n---"}
    front = read_front(write_card(meta, repository="owner/x"))
    assert front["license"] == "a: b\n---"
    assert front["model-index"][0]["name"].startswith('en_x"')


def test_the_authors_own_readme() -> None:
    own = "---\nlicense: mit\n---\n\n# Mine\n"
    assert write_card(META, repository="owner/x", readme=own) == own
    card = write_card(META, repository="owner/x", readme="# Mine\n\nText.\n")
    assert read_front(card)["license"] == "mit"
    assert "# Mine\n\nText." in card
    assert "# en_rooms" not in card
    assert "snapshot_download" in card

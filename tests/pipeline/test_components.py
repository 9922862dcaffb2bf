"""Every trainable component of spaCy listens to the encoder, or owns one: it learns, and saves."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.kb import InMemoryLookupKB
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vocab import Vocab

from tests.pipeline.conftest import LISTENER, make_ner_model, make_textcat_model

MakeNlp = Callable[..., Language]
TEXT = "play music . book a table in london ."
WORDS = ["play", "music", ".", "book", "a", "table", "in", "london", "."]
ANNOTATIONS: dict[str, dict[str, Any]] = {
    "textcat": {"cats": {"A": 1.0, "B": 0.0}},
    "textcat_multilabel": {"cats": {"A": 1.0, "B": 0.0}},
    "ner": {"entities": [(29, 35, "CITY")]},
    "spancat": {"spans": {"sc": [(29, 35, "CITY"), (18, 35, "PLACE")]}},
    "tagger": {"tags": ["V", "N", "P", "V", "D", "N", "I", "X", "P"]},
    "morphologizer": {"morphs": ["A=b", "", "", "A=b", "", "C=d", "", "", ""], "pos": ["VERB"] * 9},
    "trainable_lemmatizer": {
        "lemmas": ["play", "music", ".", "book", "the", "tab", "in", "l", "."]
    },
    "senter": {"sent_starts": [1, 0, 0, 1, 0, 0, 0, 0, 0]},
    "parser": {
        "heads": [0, 0, 0, 3, 5, 3, 3, 6, 3],
        "deps": ["ROOT", "obj", "p", "ROOT", "det", "obj", "prep", "pobj", "p"],
    },
}  # fmt: skip

EXTRA = {"trainable_lemmatizer": {"min_tree_freq": 1}, "parser": {"min_action_freq": 1}}


def make_example(nlp: Language, name: str) -> Example:
    annotations = {key: value for key, value in ANNOTATIONS[name].items() if key != "spans"}
    example = Example.from_dict(nlp.make_doc(TEXT), annotations)
    for key, spans in ANNOTATIONS[name].get("spans", {}).items():
        example.y.spans[key] = [example.y.char_span(*span) for span in spans]
    return example


def make_model(name: str, tok2vec: dict[str, Any]) -> dict[str, Any]:
    if name == "ner":
        return make_ner_model(tok2vec)
    if name == "textcat":
        return make_textcat_model(tok2vec)
    if name == "textcat_multilabel":
        return {**make_textcat_model(tok2vec), "exclusive_classes": False}
    if name == "parser":
        return {**make_ner_model(tok2vec), "state_type": "parser"}
    if name == "spancat":
        return {
            "@architectures": "spacy.SpanCategorizer.v1",
            "tok2vec": tok2vec,
            "reducer": {"@layers": "spacy.mean_max_reducer.v1", "hidden_size": 16},
            "scorer": {"@layers": "spacy.LinearLogistic.v1"},
        }
    return {"@architectures": "spacy.Tagger.v2", "tok2vec": tok2vec}


def learn(
    nlp: Language, examples: list[Example], name: str, n_steps: int = 25
) -> tuple[float, float]:
    optimizer = nlp.initialize(lambda: examples)
    seen = []
    for _ in range(n_steps):
        losses = nlp.update(examples, sgd=optimizer)
        seen.append(losses[name])
    return seen[0], seen[-1]


@pytest.mark.parametrize("name", list(ANNOTATIONS))
@pytest.mark.parametrize("place", ["listening", "inline"])
def test_component_learns_and_saves(
    make_nlp: MakeNlp, tiny_checkpoint: Path, tmp_path: Path, name: str, place: str
) -> None:
    nlp = make_nlp(heads=False) if place == "listening" else spacy.blank("en")
    inline = {
        "@architectures": "spacy-bert-plugin.BertEncoder.v1",
        "name": str(tiny_checkpoint),
        "overlap": 8,
    }
    model = make_model(name, LISTENER if place == "listening" else inline)
    nlp.add_pipe(name, config={"model": model, **EXTRA.get(name, {})})
    examples = [make_example(nlp, name), make_example(nlp, name)]
    first, last = learn(nlp, examples, name)
    assert last < first
    nlp.to_disk(tmp_path / "model")
    one, other = nlp(TEXT), spacy.load(tmp_path / "model")(TEXT)
    for attribute in ("tag_", "pos_", "lemma_", "dep_", "is_sent_start", "ent_type_"):
        assert [getattr(t, attribute) for t in one] == [getattr(t, attribute) for t in other]
    assert one.cats == pytest.approx(other.cats, abs=1e-6)
    assert [s.text for s in one.spans.get("sc", [])] == [s.text for s in other.spans.get("sc", [])]


def make_kb(vocab: Vocab) -> InMemoryLookupKB:
    kb = InMemoryLookupKB(vocab, entity_vector_length=8)
    kb.add_entity("Q84", 10, [1.0] * 4 + [0.0] * 4)
    kb.add_entity("Q92", 5, [0.0] * 4 + [1.0] * 4)
    kb.add_alias("london", ["Q84", "Q92"], [0.5, 0.4])
    return kb


def test_entity_linker_learns_and_reads_vectors_of_its_sentences(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(heads=False)
    linker = nlp.add_pipe(
        "entity_linker",
        config={
            "model": {"@architectures": "spacy.EntityLinker.v2", "tok2vec": LISTENER},
            "incl_prior": False,
        },
    )
    texts = {"play music in london tomorrow.": "Q84", "book a table in london please.": "Q92"}

    def make_doc(text: str) -> Doc:
        doc = nlp.make_doc(text)
        for token in doc:
            token.is_sent_start = token.i == 0
        start = text.index("london")
        doc.ents = [doc.char_span(start, start + 6, label="CITY")]
        return doc

    def get_examples() -> list[Example]:
        examples = []
        for text, entity in texts.items():
            span = (text.index("london"), text.index("london") + 6)
            links = {span: {name: float(name == entity) for name in ("Q84", "Q92")}}
            annotations = {"links": links, "entities": [(*span, "CITY")]}
            examples.append(Example.from_dict(make_doc(text), annotations))
        return examples

    linker.set_kb(make_kb)
    optimizer = nlp.initialize(get_examples)
    losses = [nlp.update(get_examples(), sgd=optimizer)["entity_linker"] for _ in range(60)]
    assert losses[-1] < losses[0]
    for text, entity in texts.items():
        assert [ent.kb_id_ for ent in nlp(make_doc(text)).ents] == [entity]

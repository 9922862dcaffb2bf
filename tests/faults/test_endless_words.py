"""Texts that spaCy's tokenizer takes quadratic time for."""

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language

from spacy_bert_plugin.errors import SettingError
from spacy_bert_plugin.pipeline.long_runs import LONGEST_RUN, make_bounded_doc

NLP = spacy.blank("en")


def read(doc: object) -> list[tuple[str, str]]:
    return [(token.text, token.whitespace_) for token in doc]  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", ["", " ", "a house.", "  two  (words) \n", "x" * 500])
def test_other_texts_are_tokenised_as_ever(text: str) -> None:
    assert read(make_bounded_doc(NLP, text)) == read(NLP.make_doc(text))


@given(
    text=st.text(st.sampled_from("a1(😀\" \n.\u200b'é"), max_size=60),
    longest=st.integers(1, 9),
)
def test_the_text_is_the_same(text: str, longest: int) -> None:
    doc = make_bounded_doc(NLP, text, longest_run=longest)
    assert doc.text == text
    assert all(len(token) <= longest or token.is_space for token in doc)


@pytest.mark.parametrize("character", ["😀", "(", '"', "a-"])
def test_time_is_linear(character: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """spaCy's tokenizer takes quadratic time for a run, so none that it gets may be long."""
    make_doc, seen = NLP.make_doc, []
    monkeypatch.setattr(NLP, "make_doc", lambda text: seen.append(len(text)) or make_doc(text))
    doc = make_bounded_doc(NLP, f"Look: {character * 16_000} well.")
    assert doc[-2].text == "well"
    assert max(seen) <= LONGEST_RUN + len("Look: ")
    assert sum(seen) == len(doc.text)


def test_pipelines_take_it(two_pipelines: tuple[Language, Language]) -> None:
    nlp, _ = two_pipelines
    (doc,) = nlp.pipe([make_bounded_doc(nlp, "music in london " + "(" * 700)])
    assert doc.has_annotation("TAG")
    assert len(doc) == 703


def test_what_is_too_long_is_still_an_error() -> None:
    with pytest.raises(ValueError, match="E088"):
        make_bounded_doc(NLP, "a" * (NLP.max_length + 1))
    with pytest.raises(SettingError, match="longest_run"):
        make_bounded_doc(NLP, "a", longest_run=0)

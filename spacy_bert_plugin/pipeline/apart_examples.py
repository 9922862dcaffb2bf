"""`spacy-bert-plugin.apart.v1`: Examples of pairs become Examples of texts that are read apart."""

from collections.abc import Callable, Iterator
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from ..util.pairs import PAIR_KEY, TEXTS_KEY

AugmenterT = Callable[[Language, Example], Iterator[Example]]


def build_apart_v1() -> AugmenterT:
    """Build an augmenter for the corpora that `bert_embedder` learns from.

    The texts of an annotated Doc, in `doc.spans["texts"]` or, of a pair, in `doc.spans["pair"]`,
    become `doc.spans["texts"]` of both Docs of the Example, so that the encoder reads them apart.
    Works with every reader of spaCy's and with our own. Other Examples stay as they are.

    RETURNS (Callable): Takes a pipeline and an Example, yields one Example.
    """
    return read_apart


def read_apart(nlp: Language, example: Example) -> Iterator[Example]:
    """Let the texts of one Example be read apart from each other."""
    reference = example.reference
    key = next((key for key in (TEXTS_KEY, PAIR_KEY) if key in reference.spans), None)
    if key is None:
        yield example
        return
    borders = [(span.start, span.end) for span in reference.spans[key]]
    predicted = Doc(
        nlp.vocab,
        words=[token.text for token in reference],
        spaces=[bool(token.whitespace_) for token in reference],
    )
    copied = reference.copy()
    for doc in (predicted, copied):
        _set_texts(doc, borders)
    yield Example(predicted, copied)


def _set_texts(doc: Doc, borders: list[tuple[int, int]]) -> None:
    spans: Any = doc.spans
    if PAIR_KEY in spans:
        del spans[PAIR_KEY]
    spans[TEXTS_KEY] = [doc[start:end] for start, end in borders]

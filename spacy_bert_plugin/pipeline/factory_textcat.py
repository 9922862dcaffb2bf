"""The factory `bert_textcat` (placeholder until its author writes it)."""

from typing import Any

from spacy.language import Language


@Language.factory("bert_textcat")
def make_bert_textcat(nlp: Language, name: str) -> Any:
    raise NotImplementedError("being written")

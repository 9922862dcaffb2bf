"""The factory `bert_spancat` (placeholder until its author writes it)."""

from typing import Any

from spacy.language import Language


@Language.factory("bert_spancat")
def make_bert_spancat(nlp: Language, name: str) -> Any:
    raise NotImplementedError("being written")

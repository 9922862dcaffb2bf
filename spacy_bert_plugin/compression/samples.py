"""Texts to compare pipelines on where the user has named none."""

import importlib

FALLBACK = "en"
LONGEST = 4


def sample_texts(lang: str, *, n_texts: int) -> list[str]:
    """Make texts of one to four of the example sentences that spaCy has for a language.

    lang (str): The language; the sentences are English where it has none.
    n_texts (int): How many.
    """
    try:
        module = importlib.import_module(f"spacy.lang.{lang}.examples")
    except ImportError:
        module = importlib.import_module(f"spacy.lang.{FALLBACK}.examples")
    sentences: list[str] = module.sentences
    n = len(sentences)
    return [
        " ".join(sentences[(number + i) % n] for i in range(1 + number % LONGEST))
        for number in range(n_texts)
    ]

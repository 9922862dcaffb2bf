"""Docs of texts with endless words, which spaCy's tokenizer takes quadratic time for.

spaCy cuts prefixes and suffixes off a run of characters without white space one at a time, and
looks at the whole rest of it each time: 8,000 emoji, brackets or quotes in a row take seconds,
20,000 most of a minute. Whoever may send texts to a server may send these.
"""

import re
from collections.abc import Iterator

from spacy.language import Language
from spacy.tokens import Doc

from ..errors import Errors, SettingError

LONGEST_RUN = 500
# One more character: the cut is before it, where a token may end.
_RUN = r"\S{%d}(?=\S)"


def make_bounded_doc(nlp: Language, text: str, *, longest_run: int = LONGEST_RUN) -> Doc:
    """Tokenise a text in linear time, for `nlp(doc)` and `nlp.pipe(docs)`.

    Runs of characters without white space are cut after so many of them, and each part is tokenised
    alone. A text without a longer run gives what `nlp.make_doc` gives.

    nlp (Language): The pipeline.
    text (str): The text; `nlp.max_length` holds.
    longest_run (int): Most characters of a run.
    RETURNS (Doc): With the same text.
    RAISES (SettingError): `longest_run` is below 1.
    """
    if longest_run < 1:
        name = "longest_run"
        raise SettingError(Errors.SB002.format(name=name, expected="at least 1", got=longest_run))
    parts = list(_cut(text, longest_run))
    if len(parts) < 2 or len(text) > nlp.max_length:
        return nlp.make_doc(text)  # which says what is too long
    docs = [nlp.make_doc(part) for part in parts]
    return Doc(
        nlp.vocab,
        words=[token.text for doc in docs for token in doc],
        spaces=[bool(token.whitespace_) for doc in docs for token in doc],
    )


def _cut(text: str, longest_run: int) -> Iterator[str]:
    """Cut a text inside its long runs. Together the parts are the text."""
    begin = 0
    for match in re.finditer(_RUN % longest_run, text):
        yield text[begin : match.end()]
        begin = match.end()
    yield text[begin:]

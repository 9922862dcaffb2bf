"""Many questions about one text."""

from collections.abc import Iterable, Iterator

from spacy.language import Language
from spacy.tokens import Doc

from ..util.pairs import make_pair_doc


def make_question_docs(
    nlp: Language, context: str | Doc, questions: Iterable[str | Doc]
) -> Iterator[Doc]:
    """Make a Doc of each question and the context, for `nlp.pipe`.

    The context is tokenised once, and the encoder remembers its pieces from the first question.

    nlp (Language): Whose tokenizer cuts what is a str.
    context (str | Doc): What the answers are looked for in.
    questions (Iterable[str | Doc]): The questions.
    YIELDS (Doc): Pairs, as `make_pair_doc` makes them.
    RAISES (DataError): A question, or the context, has no token.
    """
    doc = nlp.make_doc(context) if isinstance(context, str) else context
    for question in questions:
        yield make_pair_doc(nlp, question, doc)

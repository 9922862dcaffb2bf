"""Messages SB850 to SB869."""


class PairMessages:
    """Messages about two texts in one Doc."""

    SB850 = (
        "A pair needs two texts with at least one token each, but the {side} one is empty (tokens "
        "of the two: {first} and {second}). Leave such a row out, or put a text in its place."
    )
    SB851 = (
        "doc.spans['{key}'] must be two spans that lie one after the other and cover the Doc of "
        "{n_tokens} tokens, but got spans with the borders {got}. Make such Docs with "
        "make_pair_doc(nlp, first, second)."
    )

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
    SB852 = (
        "Windows leave no room for two texts: a window of a pair must hold at least {least} pieces "
        "of text beside all special pieces, but holds {got}. Set a larger max_pieces in the "
        "encoder's settings."
    )
    SB853 = (
        "An exported model takes one text at a time, but a Doc is a pair of texts: the segments of "
        "its pieces are no input of the model. Run pairs through the pipeline itself."
    )
    SB854 = (
        "The reference of an example has doc.spans['{key}'], but the predicted Doc has not: its "
        "texts would be read as one. spaCy's own readers copy no spans. Use the reader "
        "spacy-bert-plugin.Corpus.v1 in the config, `spacy bert evaluate` in the place of `spacy "
        "evaluate`, and make_pair_doc for both sides of examples of your own."
    )
    SB855 = (
        "{path}, line {line}: expected two texts, but the {side} one ({key}) is {got}. Leave the "
        "row out, or put a text in its place."
    )
    SB856 = (
        "{path}: cannot tell which columns hold the two texts; the columns are {got}. Name them "
        "with --text-column and --second-text-column."
    )
    SB857 = (
        "{path}, line {line}: expected a number as the score ({key}), but got {got}. Correct the "
        "row, or name another column with --label-column."
    )
    SB858 = (
        "{path}, line {line}: expected a score from {low} to {high}, but '{key}' is {got}. Correct "
        "the row, or the range (--min-score, --max-score)."
    )
    SB860 = (
        "'{name}' takes pairs of texts, but a Doc of {n_tokens} tokens has no doc.spans['{key}']. "
        "Make it with make_pair_doc(nlp, first, second), or set require_pairs = false."
    )
    SB861 = (
        "'{name}' has no target: no example has a number in doc.cats. Annotate the training data "
        "(`spacy bert convert --task regression`), or name the targets in "
        "[initialize.components.{name}] labels."
    )
    SB862 = (
        "'{name}' has targets without a single number in the training data: {targets}. Annotate "
        "them, or take them off the list of labels."
    )
    SB863 = (
        "'{name}' learns finite numbers, but doc.cats['{target}'] is {got}. Correct the annotation."
    )

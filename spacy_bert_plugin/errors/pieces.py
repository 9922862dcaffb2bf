"""Messages SB1xx."""


class PieceMessages:
    """Messages of the room `pieces`."""

    SB101 = (
        "Text {index} of this batch has a lone surrogate at character {position}: it is not valid "
        "Unicode and cannot be encoded. Clean it first, for instance with "
        "text.encode('utf-8', 'replace').decode('utf-8')."
    )
    SB102 = (
        "Expected the text of a tokenizer.json, but it could not be read: {error}. "
        "Save the tokenizer again with tokenizer.save('tokenizer.json')."
    )
    SB103 = (
        "The tokenizer adds no special pieces around a text and its vocabulary has neither "
        "'[CLS]' and '[SEP]' nor '<s>' and '</s>'. An encoder of the BERT family needs them: "
        "give the tokenizer a post-processor."
    )
    SB104 = (
        "A window must hold at least {least} pieces with its {n_special} special ones and an "
        "overlap of {overlap}, but 'max_pieces' is {got}. Raise it or lower 'overlap'."
    )
    SB105 = "Expected a text (str) at index {index}, but got {got}."
    SB106 = (
        "The tokenizer gave up on a text of this batch: {error}. Expected a tokenizer.json that "
        "can cut any text: simplify its regular expressions, or leave out texts with very long "
        "runs of one character."
    )

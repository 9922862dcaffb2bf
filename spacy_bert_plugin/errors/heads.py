"""Messages SB35x to SB38x."""


class HeadMessages:
    """Messages of the room `heads`."""

    SB350 = (
        "Expected spans as rows [start, end, label index] with 0 <= start < end <= {n_tokens} and "
        "a label index below {n_labels}, but got {got}. Check the annotation of the Docs."
    )
    SB351 = (
        "Entities may not overlap here, but tokens {first} and {second} do (start, end). Keep one "
        "of the two, or learn overlapping entities with a span head."
    )
    SB352 = (
        "Labels must be strings, each given once, but they are {got}. "
        "Remove what is doubled or not a string."
    )
    SB353 = (
        "'{name}' must have the shape {expected}, but it is {got}. "
        "Pass scores and labels of the same head."
    )
    SB354 = (
        "The lengths of the sequences must be whole numbers of at least 0 that add up to {n_tokens} "
        "tokens, but they are {got}. Give the number of tokens of each sequence."
    )
    SB355 = "'{name}' must be {expected}, but it is {got!r}. Change it in the config of the head."
    SB380 = (
        "Scores of shape {logits} and {got} do not belong together. Expected one target, and one "
        "weight if any, for each answer."
    )

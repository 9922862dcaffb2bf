"""Messages SB83x and SB84x."""


class CheckMessages:
    """Messages of the room `checks`, which puts components through faults."""

    SB830 = (
        "check_component expects the name of a factory or a pipeline (an nlp object with weights), "
        "but got {got}. Pass 'tagger', for instance, or spacy.load(...)."
    )
    SB831 = "There is no check for {got}. Expected numbers out of {expected}."
    SB832 = (
        "Cannot read the rows '{got}': expected numbers and ranges with commas between them, such "
        "as 1-20,33,41."
    )

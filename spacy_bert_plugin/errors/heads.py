"""Messages SB35x to SB38x."""


class HeadMessages:
    """Messages of the room `heads`."""

    SB356 = (
        "Expected spans as rows [start, end, label index] with 0 <= start < end <= {n_tokens} and "
        "a label index below {n_labels}, but got {got}. Check the annotation of the Docs."
    )
    SB357 = (
        "Entities may not overlap here, but tokens {first} and {second} do (start, end). Keep one "
        "of the two, or learn overlapping entities with a span head."
    )
    SB358 = (
        "Labels must be strings, each given once, but they are {got}. "
        "Remove what is doubled or not a string."
    )
    SB359 = (
        "'{name}' must have the shape {expected}, but it is {got}. "
        "Pass scores and labels of the same head."
    )
    SB354 = (
        "The lengths of the sequences must be whole numbers of at least 0 that add up to {n_tokens}"
        " tokens, but they are {got}. Give the number of tokens of each sequence."
    )
    SB355 = "'{name}' must be {expected}, but it is {got!r}. Change it in the config of the head."
    # Span head
    SB370 = (
        "{n_spans} annotated spans in doc.spans['{key}'] do not begin and end where tokens of the "
        "pipeline's tokenizer do, and are left out. Expected spans of whole tokens: correct their "
        "borders, or read the data with another 'align'."
    )
    SB371 = (
        "{n_spans} annotated spans in doc.spans['{key}'] have more than max_length = {max_length} "
        "tokens and can be neither learned nor found; the longest has {longest}. Set "
        "[components.{name}] max_length = {longest} to have them all."
    )
    SB372 = (
        "'{name}' left out spans with labels that it does not know: {labels}. Expected one of "
        "{known}. Add them to the data that the pipeline is initialised with, or call add_label()."
    )
    SB373 = (
        "'{name}' needs one vector for each token, but its tok2vec gave {got} rows for {expected} "
        "tokens. Use spacy-bert-plugin.BertListener.v1, which has no pooling over the text."
    )
    SB374 = (
        "'{name}' has no labels: none of the examples has spans in doc.spans['{key}']. Expected "
        "some of them to: check spans_key and how the training data is read, or give "
        "[initialize.components.{name}] labels."
    )
    # Text classification and calibration
    SB380 = (
        "Scores of shape {logits} and {got} do not belong together. Expected one target, and one "
        "weight if any, for each answer."
    )
    SB381 = (
        "pooling = 'attention' weighs the vectors of tokens, but the listener gives one vector a "
        "text (pooling = '{got}'). Set [components.*.model.tok2vec] @architectures to "
        "spacy-bert-plugin.BertListener.v1, or pooling of the model to 'given'."
    )
    SB382 = (
        "Categories in doc.cats must have the value 0.0 or 1.0 for '{name}', but they are {got}. "
        "Correct the annotation; leave out a label where it is not known."
    )
    SB383 = (
        "'{name}' has exclusive = true, so at most one category of a text may have the value 1.0, "
        "but they are {got}. Correct the annotation, or set [components.{name}] exclusive = false."
    )
    SB384 = (
        "'{name}' needs at least {least} labels, but it has {labels}. Check that doc.cats of the "
        "training data names all of them; with exclusive = true a text that is not in a category "
        "needs a category of its own, and a single label needs exclusive = false."
    )
    SB385 = (
        "positive_label of '{name}' must be one of two exclusive labels, but it is {got!r} and "
        "the labels are {labels}. Change it in [initialize.components.{name}], or leave it out."
    )
    SB386 = (
        "The calibrated pipeline cannot be saved: MODEL is '{model}', --output is '{output}'. "
        "Expected MODEL to be a folder, which is then replaced, or --output to name a folder that "
        "does not exist yet."
    )
    SB387 = (
        "'{name}' leaves out categories that it does not know: {labels}. Expected some of "
        "{known}. Add them to the data that the pipeline is initialised with, or call add_label()."
    )
    SB388 = (
        "No label is ever 0.0 in the examples of '{name}'. A label that a text does not name "
        "counts as not known, so that every label would be learned to hold always. Write 0.0 for "
        "the labels that do not hold, or set exclusive = true if each text has exactly one."
    )
    SB389 = (
        "There is nothing to calibrate in this pipeline: {pipeline}. Expected a component such as "
        "bert_textcat or bert_ner, which has a method fit_calibration(). Add one, or take the "
        "calibration out of [training.before_to_disk]."
    )

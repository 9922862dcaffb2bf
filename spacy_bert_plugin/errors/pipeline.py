"""Messages SB5xx."""


class PipelineMessages:
    """Messages of the rooms `layers` and `pipeline`."""

    SB501 = (
        "The pooled output 'pooler' was asked for, but this checkpoint has no pooler. "
        "Use 'cls' or 'mean' instead."
    )
    SB502 = (
        "The encoder has no weights yet. Call nlp.initialize(), which loads its checkpoint, or "
        "load a saved pipeline with spacy.load()."
    )
    SB503 = (
        "BertEncoder.v1 needs either 'name', a checkpoint to start from, or 'sizes' together with "
        "'tokenizer' for random weights. Got neither: set one of them in the config."
    )
    SB504 = (
        "Expected a model built by spacy-bert-plugin.BertEncoder.v1, but got '{got}'. Set "
        "[components.*.model] @architectures to it."
    )
    SB505 = (
        "The listener of component '{component}' has no encoder to listen to (upstream: "
        "'{upstream}'). Add a 'bert_transformer' before it, or correct 'upstream' in the config."
    )
    SB506 = (
        "The listener of component '{component}' was called with {got} Docs that are not, in this "
        "order, the {expected} Docs of the batch that the encoder has just computed. Update "
        "components through nlp.update(), which hands the same Docs to all of them."
    )
    SB507 = (
        "Component '{component}' listens to '{encoder}', which has not run on this Doc (number "
        "{index} of its batch). It may be disabled, excluded, or placed after '{component}'. "
        "Enable it; while it is frozen in training, add it to "
        "[training.annotating_components] as well."
    )
    SB508 = (
        "Vectors of single tokens and spans were not kept: '{name}' is set to keep = \"{keep}\". "
        'Set [components.{name}] keep = "tokens" to have them.'
    )
    SB509 = (
        "doc._.trf_data was not kept: '{name}' is set to keep = \"{keep}\". Set "
        '[components.{name}] keep = "all" to have pieces and hidden states.'
    )
    SB510 = "'batch_size' must be a whole number of at least 1, but it is {got!r}."
    SB511 = "'n_process' must be a whole number of at least 1, but it is {got!r}."
    SB512 = (
        "One of {n_process} worker processes has died before its texts were done: it was killed, "
        "for want of memory perhaps, or could not start. Docs before that batch have been handed "
        "on. Expected processes that live: lower n_process or batch_size, see the log of the "
        "system, and run the rest again."
    )
    SB513 = "'n_texts' must be a whole number of at least 1, but it is {got!r}."
    SB514 = (
        "The head '{name}' has no weights yet, so it can neither predict nor learn. Call "
        "nlp.initialize() with examples, or load a trained pipeline."
    )
    SB515 = (
        "The stored weights do not fit this head: {error}. Expected the bytes that a pipeline "
        "with the same config has written. Load it with its own config, or train it again."
    )
    SB516 = (
        "The head '{name}' needs to know how wide its vectors are, but '{tok2vec}' does not say. "
        "Put the component that it listens to before it and initialise both: nlp.initialize()."
    )
    SB517 = (
        "'{name}' has no labels: none of the examples has an entity. Check that the training data "
        "is annotated and read with the right format, or give [initialize.components.{name}] "
        "labels."
    )
    SB518 = (
        "The class weights of '{name}' name {unknown}, which are none of its labels {labels}. "
        "Correct class_weights in the config."
    )
    SB519 = (
        "'{name}' was initialised with the labels {known}, but the training data has '{label}' "
        "as well. Tokens of its entities are left out of the loss. Initialise with all labels, or "
        "call add_label."
    )
    SB520 = (
        "TokenClassifier.v1 needs one vector for each token, but its tok2vec gives one a text "
        "('{got}'). Use spacy-bert-plugin.BertListener.v1 or, for an encoder of its own, "
        "output = 'tokens'."
    )
    SB521 = (
        "'{name}' has label_smoothing or class_weights, and a model with use_crf = true, whose "
        "loss is that of whole sequences and knows neither. Expected one or the other: set "
        "use_crf = false, or take them out."
    )
    SB522 = (
        "Of {n_annotated} entities in the first {n_examples} examples, '{name}' cannot learn "
        "{n_lost}: they do not begin and end where tokens do, or have a label that it lacks. A few "
        "are no harm. If they are many, check that [nlp.tokenizer] suits the language and the way "
        "the data was annotated."
    )
    SB540 = (
        "Memory ran out while {n_docs} Docs with {n_tokens} tokens were encoded (the longest has "
        "{longest}), though it was tried with one window at a time: {error}. Lower 'max_pieces' of "
        "the encoder, the batch size or the number of threads, or take a smaller encoder. The "
        "pipeline can be used as before."
    )
    SB541 = (
        "Memory ran out in an update with {n_docs} Docs and {n_tokens} tokens (the longest has "
        "{longest}): {error}. No weight was changed. Expected fewer tokens in a batch: lower "
        "[training.batcher], raise training.accumulate_gradient, or set use_checkpointing = true "
        "in the model of the encoder."
    )

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

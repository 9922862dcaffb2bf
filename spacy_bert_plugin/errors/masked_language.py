"""Messages SB53x and SB54x."""


class MaskedLanguageMessages:
    """Messages of masked-word heads and of the component that asks them."""

    SB530 = (
        "'{name}' cannot propose words: {source} has no masked-word head. Expected a checkpoint "
        "that was saved as a masked language model (AutoModelForMaskedLM), of the encoder that "
        "the pipeline uses: give it as [components.{name}.model] name, or learn a head with "
        "'python -m spacy bert pretrain'."
    )
    SB531 = (
        "The masked-word head of '{source}' is of a kind that is not known: expected {expected}, "
        "got {got}. The encoder can be used without it; for the head use a checkpoint of the BERT, "
        "RoBERTa, ELECTRA, DistilBERT, ALBERT, MPNet, DeBERTa or ModernBERT family."
    )
    SB532 = (
        "'{source}': the scores of the masked-word head have a table of their own, '{name}', which "
        "is not the encoder's piece table. Expected the same weights in both: use a checkpoint "
        "that was trained with tied embeddings."
    )
    SB533 = (
        "The masked-word head of '{name}' does not fit the encoder: expected {expected}, got "
        "{got}. Use a head and an encoder of the same checkpoint."
    )
    SB534 = (
        "The piece embeddings of a '{got}' cannot be found, so that no masked-word head can share "
        "them. Expected a model with one table of embeddings; use another checkpoint."
    )
    SB535 = (
        "A next-sentence head cannot be saved beside an encoder of family '{got}': transformers "
        "has a class for it only in the family 'bert'. Leave it out, or pretrain a 'bert'."
    )
    SB536 = (
        "'{name}' has no masked-word head yet. Call nlp.initialize(), which reads it from the "
        "encoder's checkpoint, or load a pipeline that was saved with it."
    )
    SB537 = (
        "The tokenizer of the encoder has no mask piece such as [MASK] or <mask>, so '{name}' has "
        "nothing to put in the place of a word. Use an encoder that was trained with one."
    )
    SB538 = (
        "'{name}' takes no part in training: its masked-word head is learned by 'python -m spacy "
        "bert pretrain'. Take it out of the components that are updated."
    )

"""Messages SB4xx."""


class TrainingMessages:
    """Messages of the room `training`."""

    SB401 = (
        "{what} is not a finite number at update {step}. The weights are those of the update "
        "before. Lower the learning rate, lengthen the warm-up, or train with precision = "
        '"fp32".'
    )
    SB402 = (
        "The gradient for the encoder from component '{component}' is not a finite number, in a "
        "batch of {n_docs} Docs. No weight has been changed by this batch. Lower the learning "
        'rate, lengthen the warm-up, or train with precision = "fp32".'
    )

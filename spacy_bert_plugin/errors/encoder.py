"""Messages SB2xx: encoder (SB20x to SB22x)."""


class EncoderMessages:
    """Messages of the room `encoder` and of the name tables that feed it."""

    SB200 = (
        "Encoder size '{name}' must be a whole number from {low} to {high}, but it is {got!r}. "
        "Check '{name}' in the config of the encoder."
    )
    SB201 = (
        "Encoder setting '{name}' must be {expected}, but it is {got!r}. "
        "Check '{name}' in the config of the encoder."
    )
    SB202 = (
        "The width of the encoder ({width}) must be a multiple of its heads ({n_heads}). "
        "Change one of the two."
    )
    SB203 = (
        "An encoder of these sizes would have {got:,} parameters; at most {high:,} are supported. "
        "Check the sizes in the config of the encoder."
    )
    SB204 = (
        "Encoder setting 'n_positions' must be larger than the position offset ({offset}), "
        "but it is {got}. Check the sizes in the config of the encoder."
    )
    SB205 = (
        "Packed input '{name}' must be a tensor of {expected}, but it is {got}. "
        "Build it with `pack` from spacy_bert_plugin.encoder."
    )
    SB206 = (
        "The window lengths of a packed input must be whole numbers of at least 0 that add up to "
        "its {expected} pieces, but they are {got}. Give one length for every window."
    )
    SB207 = (
        "A window of at most {expected} pieces was expected, but one has {got}. "
        "Split the text into shorter windows."
    )
    SB208 = (
        "Expected {name} ids from 0 to {high}, but found {got}. "
        "The pieces come from a tokenizer that does not belong to this encoder."
    )
    SB209 = (
        "This encoder has no pooler, so it cannot pool. Use the mean of the token vectors, or "
        "a checkpoint that has a pooler."
    )
    SB210 = (
        "Expected a precision among {expected}, but got {got!r}. "
        "Change the precision in the config."
    )
    SB211 = (
        "Cannot freeze {got!r} layers: expected a whole number from 0 to {high}, or -1 or 'all' "
        "for the whole encoder. Change 'freeze_layers' in the config."
    )
    SB212 = (
        "Expected a text encoder whose config names '{name}', but {got} has none. "
        "Choose a checkpoint of an encoder, such as BERT, ModernBERT or DeBERTa."
    )
    SB213 = (
        'precision = "int8" was asked for, but this encoder runs through transformers, not in the '
        "packed encoder of the BERT family, which alone can quantise its linear maps. Use "
        '"bf16" where the processor has it, or "fp32".'
    )
    SB214 = (
        "Vectors of every layer were asked for, but {name} does not give one vector a piece for "
        'each of its layers. Use the last layer: keep = "tokens" instead of "all".'
    )
    SB215 = (
        "{name} could not encode a short text from its pieces alone: {error}. Expected an encoder "
        "that needs nothing beside piece ids and their mask. Correct the config.json, or choose "
        "a checkpoint of an encoder such as BERT, ModernBERT or DeBERTa."
    )
    SB216 = (
        "Expected hidden states of shape {expected} (texts, pieces, width) from {name}, but got "
        "{got}. It does not give one vector a piece; choose a checkpoint of an encoder such as "
        "BERT, ModernBERT or DeBERTa."
    )
    SB217 = (
        "{name} gave other vectors when it read the same text again, so no result could be "
        "repeated. Choose a checkpoint of an encoder without random parts, such as BERT, "
        "ModernBERT or DeBERTa."
    )
    SB218 = (
        "{name} was to be computed in {dtype}, but its code cannot: {error}. Expected code that "
        'runs under autocast. Use precision = "fp32" with this encoder.'
    )
    SB251 = (
        'precision = "bf16" was asked for, but device {device} does not compute bfloat16 in '
        "hardware (AVX-512 BF16, AMX, or a GPU of compute capability 8.0 and later). It would be "
        'slower than precision = "fp32": use that.'
    )
    SB252 = (
        'precision = "fp16" was asked for, but device {device} does not compute it faster than '
        'fp32: expected a CUDA GPU. Use precision = "bf16" where the processor has it, or "fp32".'
    )
    SB253 = (
        'precision = "int8" was asked for, but {device} cannot compute it faster than fp32: '
        "expected an x86 processor with VNNI and a release of torch with oneDNN's int8 kernels. "
        'Use precision = "bf16" where the device has it, or "fp32"; or export the encoder with '
        "`python -m spacy bert export-onnx --precision int8` for ONNX Runtime."
    )
    SB254 = (
        'precision = "int8" is for prediction: what is rounded to 8 bits cannot be trained. Train '
        'with "bf16", "fp16" or "fp32" and set precision = "int8" when the pipeline is loaded, or '
        "once with `python -m spacy bert optimize`."
    )
    SB255 = (
        "'int8_skip' names {got!r}. Expected names of linear maps ({maps}), alone or with a dot "
        "and the number of a layer, such as 'down' or 'down.5'."
    )

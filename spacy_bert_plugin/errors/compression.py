"""Messages SB73x."""


class CompressionMessages:
    """Messages of the room `compression`, which makes pipelines smaller and faster."""

    SB730 = (
        "There is nothing to optimize in '{model}': expected a component with an encoder of "
        "spacy-bert-plugin.BertEncoder.v1, such as bert_transformer, but it has {pipeline}. "
        "Name a pipeline that has one, initialised or trained."
    )
    SB731 = (
        "The optimized pipeline cannot be written to '{output}': {problem} '{model}'. Name "
        "another folder, so that the original stays as it is."
    )
    SB732 = (
        "'{path}' exists and is no spaCy pipeline (expected config.cfg and meta.json in it), so "
        "it is not replaced. Name another folder."
    )
    SB733 = (
        "{losses}. Expected a drop of at most {bound:g} points on '{data}' with precision = "
        '"{precision}", so nothing was written. Choose a higher precision ("bf16" or "fp32"), '
        "keep the maps that hurt out of int8 (--skip down, for instance), or allow more with "
        "--bound."
    )
    SB734 = (
        "Cannot compare '{metric}' on '{data}': expected the name of a score among {expected}. "
        "Name one with --metric, or annotate the data for the components of the pipeline."
    )
    SB735 = (
        "{got} needs something to run on, but there is none: expected --data, a file with "
        "annotated texts that the pipeline was not trained on. Add it, or leave {got} out."
    )
    SB736 = (
        'int8_skip names maps that stay out of int8, so it means something with precision = "int8" '
        'alone, but the precision is "{precision}". Leave --skip out, or use --precision int8.'
    )
    SB737 = (
        "--no-check writes a pipeline that this machine cannot run, so nothing can be measured on "
        "'{path}'. Leave one of the two out."
    )

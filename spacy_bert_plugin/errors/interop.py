"""Messages SB71x and SB72x."""


class InteropMessages:
    """Messages of the room `interop`, which hands pipelines to other runtimes."""

    SB710 = (
        "Cannot export '{component}': expected \"encoder\" or the name of a bert_transformer, "
        "bert_ner or bert_textcat, but the pipeline has {got}. Name one of them with --component."
    )
    SB711 = (
        "Cannot export '{component}': its vectors come from '{got}'. Expected a listener to a "
        "bert_transformer, or an encoder of its own by spacy-bert-plugin.BertEncoder.v1. Train it "
        "with one of the two."
    )
    SB712 = (
        "Cannot export the encoder of '{component}': its family '{got}' runs through "
        "transformers' AutoModel. Expected one of {expected}. Export it with the tools of "
        "transformers, or use an encoder of one of these families."
    )
    SB713 = (
        "'{component}' has no weights yet. Expected a pipeline that is initialised or trained: "
        "call nlp.initialize(), or load one that was saved after training."
    )
    SB714 = (
        "'{path}' exists and holds more than an earlier export ({got}), so it is not replaced. "
        "Name a folder that does not exist yet."
    )
    SB715 = (
        "The file would take {got:.1f} GB, but one ONNX file holds at most 2 GB. Export a smaller "
        "encoder."
    )
    SB716 = (
        "The exported '{component}' was not kept: against the pipeline {measure} is {got:.3g}, "
        "and expected is {expected} {bound:g} (precision {precision}). Export with --precision "
        "fp32; if it is that already, please report it with the versions of onnx and onnxruntime."
    )
    SB717 = (
        "'{path}' is no export of spacy-bert export-onnx: {problem}. Expected a folder with "
        "model.onnx, tokenizer.json and feeding.json. Export it again."
    )
    SB718 = (
        "'{path}' was changed after it was written: '{name}' has SHA-256 {got}, and feeding.json "
        "says {expected}. Export it again."
    )
    SB719 = (
        "'{path}' does not match the pipeline: {differences}. Export the pipeline again, or load "
        "the one that was exported."
    )
    SB720 = (
        "'{path}' was written in format {got}; this version reads format {expected}. Export it "
        "again, or use the version that wrote it."
    )
    SB721 = "Precision must be one of {expected}, but it is {got!r}."
    SB722 = "No sample texts with any piece: nothing would be compared. Give texts with words."
    SB723 = (
        "An ONNX file cannot hold this head, which has {got}. Expected a head as bert_ner and "
        "bert_textcat have it by default. Export the encoder alone with --component encoder."
    )

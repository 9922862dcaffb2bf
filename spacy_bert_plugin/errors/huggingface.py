"""Messages SB74x and SB75x."""


class HuggingFaceMessages:
    """Messages about checkpoints with a head for a task, coming in and going out."""

    # Outputs of a tagger
    SB740 = (
        "This model tags words, not entities: one of its outputs should be called 'O', but they "
        "are {got}. Give the outputs their names in id2label of config.json, or with --labels; a "
        "tagger for something else than entities cannot become a bert_ner."
    )
    SB741 = (
        "The outputs {got} cannot be read as tags of entities: {problem}. Expected O and, for each "
        "label, tags such as B-PER and I-PER, all four of BILUO, or the label alone. Name the "
        "scheme with --scheme, or correct id2label in config.json."
    )
    SB742 = (
        "'{name}' has the outputs of the checkpoint that it was imported from, so its labels are "
        "fixed: {labels}. Got the new label '{label}'. To learn other labels, add a new bert_ner "
        "that listens to the same encoder."
    )
    SB743 = (
        "[components.*.model] outputs = {got} cannot be had together with {setting}. Set "
        "{setting} to {expected}, or outputs to []."
    )
    # Coming in
    SB744 = (
        "'{source}': config.json asks for {got}, which has no place in a spaCy pipeline. Expected "
        "one class that ends in {expected}. Use a checkpoint that was trained for one of these "
        "tasks."
    )
    SB745 = (
        "'{source}': a head of architecture '{got}' is not known for this task. Expected one of "
        "{expected}. To use the encoder alone, give its folder as the name of a bert_transformer."
    )
    SB746 = (
        "'{source}' lacks tensors of its head: {names}. Expected them beside the encoder. The file "
        "is incomplete, or config.json names another class; copy the whole checkpoint again."
    )
    SB747 = (
        "'{source}' has more than one head: besides '{expected}' there are the tensors {names}. "
        "Save the head that you want by itself, with the class of transformers that names it."
    )
    SB748 = (
        "'{source}': tensor '{name}' of the head has the shape {got}, expected {expected}. The "
        "weights belong to another model than config.json; copy the whole checkpoint again."
    )
    SB749 = (
        "'{source}': the head has {n_outputs} outputs, but the labels are {got}. Expected a name "
        "for each, from 0 to {last}, none of them twice. Correct id2label in config.json, or give "
        "the names in order with --labels."
    )
    SB750 = (
        "'{source}' predicts a number, not a category ({reason}). Expected scores of categories. A "
        "model with a yes-or-no answer says problem_type = multi_label_classification in "
        "config.json; or import it with --multilabel."
    )
    SB751 = (
        "'{source}': the head has the activation '{got}', expected one of {expected}. Import a "
        "checkpoint with one of these."
    )
    SB752 = (
        "'{path}' exists and is not an empty folder. Nothing was written: name a folder that does "
        "not exist yet, or remove what is there."
    )
    SB753 = (
        "'{source}' has no masked-word head, though config.json names {got}. Expected its tensors "
        "beside the encoder; copy the whole checkpoint again."
    )
    # Going out
    SB754 = (
        "Cannot export '{component}': expected a bert_ner, a bert_textcat or a bert_transformer, "
        "but the pipeline has {got}. Name one of them with --component."
    )
    SB755 = (
        "Cannot export '{component}': a checkpoint of transformers ({family}) cannot hold "
        "{problem}. Expected {expected}. Train the component with that, or export the encoder "
        "alone with --component {encoder}."
    )
    SB756 = (
        "Cannot export '{component}': its vectors come from '{got}'. Expected a listener to a "
        "bert_transformer. Train it with spacy-bert-plugin.BertListener.v1 or "
        "spacy-bert-plugin.BertPooledListener.v1."
    )
    SB757 = (
        "'{component}' has no weights yet. Expected a pipeline that is initialised or trained: "
        "call nlp.initialize(), or load one that was saved after training."
    )
    SB758 = "Pipelines are exported to {expected}, but --to is {got!r}. Give one of these."
    SB759 = (
        "The pipeline has several heads: {got}. A checkpoint of transformers holds one. Name it "
        "with --component."
    )

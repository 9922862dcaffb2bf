"""Messages SB76x and SB77x."""


class SpacyTransformersMessages:
    """Messages about pipelines and configs of spaCy's other transformer libraries."""

    SB760 = (
        "A listener of another library pools the pieces of a token by '{pooling}'. Expected "
        "reduce_mean or reduce_first, which an encoder of this package can give. Change its "
        "pooling, or use spacy-bert-plugin.BertListener.v1, and train the component again."
    )
    SB761 = (
        "'{listener}' stands in the model '{model}' without the layer that pools pieces "
        "(trfs2arrays). Expected the architecture spacy-transformers.TransformerListener.v1. A "
        'layer of your own that reads pieces can read doc._.trf_data: set keep = "all".'
    )
    SB762 = (
        "'{listener}' needs the output of every layer. Expected a listener to the last one "
        "(spacy-curated-transformers.LastTransformerLayerListener.v1), or "
        "spacy-bert-plugin.BertListener.v1. Change it in the config and train the component again."
    )
    SB763 = (
        "The listener '{got}' is of another library, so it cannot be replaced with a copy of the "
        "encoder. Expected spacy-bert-plugin.BertListener.v1: change the config with 'spacy bert "
        "import-config', or the pipeline with 'spacy bert import'."
    )
    SB764 = (
        "[{section}] has the architecture '{got}', for which there is no counterpart. Expected "
        "spacy-transformers.TransformerModel (v1 to v3), or one of the encoders of "
        "spacy-curated-transformers (Bert, Roberta, Xlmr, Camembert, Albert). Change it first."
    )
    SB765 = (
        "'{name}' names no checkpoint that can be loaded: [initialize.components.{name}."
        "encoder_loader] is {got}. Expected {expected} with a name; checkpoints in pickles are "
        "not read. Give it the name of a Hugging Face checkpoint."
    )
    SB766 = (
        "[{section}] is '{got}', which has learned to mix the outputs of all layers. Expected a "
        "listener to the last layer; the weights of this one would be lost. Convert its config "
        "with 'spacy bert import-config' and train the pipeline again."
    )
    SB767 = (
        "[{section}] is '{got}': the component has an encoder of its own. Expected components "
        "that share one encoder through listeners. Convert the config with 'spacy bert "
        "import-config' and train the pipeline again."
    )
    SB768 = (
        "[{section}] is '{got}'. Expected reduce_mean or reduce_first: one vector a token out of "
        "its pieces. Change the pooling, and train again if there are weights."
    )
    SB769 = (
        "There is nothing to convert: no component of spacy-transformers or "
        "spacy-curated-transformers, and none that listens to one. The config has {got}. If "
        "its components are sourced from a pipeline, import that with 'spacy bert import' first."
    )
    SB770 = (
        "Some names have no counterpart here ({got}). Expected shared encoders and their listeners "
        "alone. Take those blocks out, or replace them, and convert again."
    )
    SB771 = (
        "There are several shared encoders ({got}). Expected one: leave the others out, with the "
        "components that listen to them, and convert again."
    )
    SB772 = (
        "[{section}] listens to '{got}', which is not there. Expected \"*\" or {expected}; the "
        "components are {known}. Correct 'upstream', or import the pipeline that a component is "
        "sourced from first."
    )
    SB773 = (
        "This is no config of spaCy. Expected the text of a config.cfg with sections such as "
        "[nlp] and [components]. {error}"
    )
    SB774 = (
        "'{source}' is no pipeline: expected a folder with config.cfg and meta.json, or the name "
        "of an installed package. Correct the path, or install the package."
    )
    SB775 = (
        "The weights of '{name}' in '{path}' are a pickle inside of a file of spacy-transformers, "
        "which this package does not read by itself. Expected spacy-transformers to be installed, "
        "so that it reads them ({error}). Install it here, or import the pipeline in an "
        "environment that has it: python -m pip install '{target}'"
    )
    SB776 = (
        "'{source}' was made with spacy-curated-transformers, whose weights and piece encoders are "
        "not read. Expected a pipeline of spacy-transformers. Convert its config with 'spacy bert "
        "import-config' and train it again from the same Hugging Face checkpoint."
    )
    SB777 = (
        "The weights of '{name}' are missing: expected '{path}', got {got}. Save the pipeline "
        "again after training."
    )
    SB778 = (
        "'{source}' cannot be read: {problem}. Expected what nlp.to_disk wrote, the config beside "
        "it, and every package that its components come from. Install those, or save it again."
    )

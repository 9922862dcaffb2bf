"""Messages SB890 to SB909."""


class EmbeddingMessages:
    """Messages about vectors of texts and their similarity."""

    SB890 = (
        "A Doc of texts that are read apart needs at least one text, each with a token, but got "
        "texts of {lengths} tokens. Leave such a row out, or put a text in its place."
    )
    SB891 = (
        "doc.spans['{key}'] must be spans that lie one after the other and cover the Doc of "
        "{n_tokens} tokens, but got the borders {got}. Make such Docs with "
        "make_texts_doc(nlp, texts)."
    )
    SB892 = (
        "A Doc has both doc.spans['{key}'], texts that are read apart, and doc.spans['{pair}'], "
        "two texts that are read together: one encoder cannot do both at once. Delete one of "
        "the two, or give the components an encoder each."
    )
    SB893 = (
        "'{name}' cannot learn from this example: the annotated Doc has {expected} texts in "
        "doc.spans['{key}'], the Doc that was encoded has {got}. Both Docs of an Example need the "
        "spans: give the corpus the augmenter spacy-bert-plugin.apart.v1, which sets them."
    )
    SB894 = (
        "'{name}' expects doc.cats['{key}'] to say how similar the two texts of a Doc are, from "
        "{least} to {most}, but got {got} for the text '{text}'. Scale the scores of the data: "
        "relatedness from 0 to 5 is divided by 5."
    )
    SB895 = (
        "Cannot compare vectors of {one} and {other} numbers: they come from different components. "
        "Compare Docs with Docs, or vectors that one bert_embedder has made."
    )
    SB896 = (
        "This {what} has no vector: '{name}' has the setting spans = {spans}. Set "
        'spans = "sents", or the key of doc.spans, for a vector of each span; or give '
        'bert_transformer keep = "tokens", and the mean of the tokens in their context answers.'
    )
    SB897 = (
        "'{name}' shall embed the sentences of each Doc, but this Doc has none. Put a sentencizer, "
        "senter or parser before it in the pipeline."
    )
    SB898 = (
        "'{name}' cannot embed spans or other texts by itself: its tok2vec '{tok2vec}' is a "
        "listener of another library. Take spacy-bert-plugin.BertPooledListener.v1."
    )
    SB899 = (
        "{path}: expected a folder of sentence-transformers with the modules {expected}, in this "
        "order, but got {got}. Other modules cannot be imported."
    )
    SB900 = (
        "{path}: expected one way of pooling out of {expected}, but got {got}. Other ways and "
        "combinations cannot be imported."
    )
    SB901 = "{path}: {problem}. A model that does so cannot be imported with the same vectors."
    SB902 = (
        "{path}: expected the tensors {expected}, but got {got}. The file is damaged or of "
        "another module."
    )

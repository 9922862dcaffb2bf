"""How a config looks that people read: sections in order, the main settings explained."""

TOP_SECTIONS = ("paths", "system", "nlp", "components", "corpora", "training", "initialize")
# What a user is likely to change, with what to know about it
COMMENTS = {
    ("paths", "train"): "A .spacy file; jsonl, csv, tsv and columns with tags can be read as well",
    ("paths", "encoder"): (
        'A folder with config.json, model.safetensors and tokenizer.json, "minilm-l6", or a name '
        "on the Hugging Face hub"
    ),
    ("components.bert_transformer.model", "precision"): (
        '"bf16" is faster where the device computes it in hardware: see spacy-bert info'
    ),
    ("components.bert_transformer.model", "batch_pieces"): (
        "Most pieces of one forward pass, which bounds the memory; null: what suits the device"
    ),
    ("components.bert_transformer", "keep"): (
        'What stays on a Doc: "none", "doc" (doc.vector), "tokens" (doc.tensor), "all" '
        "(doc._.trf_data)"
    ),
    ("components.bert_transformer.model", "freeze_layers"): (
        "Lowest layers that training leaves alone; -1 for all"
    ),
    ("components.bert_textcat", "class_weights"): (
        '"balanced" where rare labels matter as much as frequent ones; or weights by label'
    ),
    ("components.bert_textcat.model", "pooling"): (
        '"given": one vector a text, as the listener below pools; "attention": learned weights of '
        "tokens, over spacy-bert-plugin.BertListener.v1"
    ),
    ("components.bert_ner", "threshold"): (
        "Entities of less confidence (span._.confidence) are left out"
    ),
    ("components.bert_ner.model", "features"): (
        "How words are written, read beside their vectors; [] where the encoder knows capitals"
    ),
    ("components.bert_spancat", "max_length"): "Most tokens of a span; longer ones are never found",
    ("training.before_to_disk", "tune_thresholds"): (
        "Whether to find the thresholds with the best F score on the dev data, too"
    ),
    ("training", "max_steps"): "The learning rate falls to 0 at this step",
    ("training", "eval_frequency"): "Steps from one evaluation to the next",
    ("training", "patience"): "Stop after so many steps without a better score",
    ("training.batcher", "size"): (
        "Words of a batch; pieces, where spacy-bert-plugin.batch_by_pieces.v1 cuts it"
    ),
    ("training.optimizer", "head_factor"): "Rate of everything but the encoder, in multiples",
    ("training.optimizer.learn_rate", "warmup"): (
        "Below 1 a share of all steps, from 1 on a number of steps"
    ),
    ("training.optimizer.learn_rate", "initial_rate"): (
        "1e-4 to 3e-4 suit small encoders such as MiniLM, 3e-5 to 5e-5 BERT-base, 1e-5 to 2e-5 "
        "large ones"
    ),
}


def arrange_config(text: str) -> str:
    """Put every section right behind the one that it belongs to.

    text (str): A config. Sections at the top follow `TOP_SECTIONS`, others stay in order.
    """
    blocks: dict[str, list[str]] = {}
    for line in text.split("\n"):
        if line.startswith("["):
            blocks[line.strip("[]")] = [line]
        elif line.strip():
            blocks[next(reversed(blocks))].append(line)
    ranks = {name: i for i, name in enumerate(TOP_SECTIONS)}
    for name in blocks:
        for prefix in _list_prefixes(name):
            ranks.setdefault(prefix, len(ranks))
    order = sorted(blocks, key=lambda name: [ranks[prefix] for prefix in _list_prefixes(name)])
    return "\n\n".join("\n".join(blocks[name]) for name in order) + "\n"


def _list_prefixes(name: str) -> list[str]:
    """List a section and all sections that it lies in: a, a.b, a.b.c."""
    parts = name.split(".")
    return [".".join(parts[: n + 1]) for n in range(len(parts))]


def add_comments(text: str) -> str:
    """Write comments above the settings that a user is likely to change.

    text (str): A config. Sections and settings without a comment stay as they are.
    """
    lines = []
    section = ""
    for line in text.split("\n"):
        if line.startswith("["):
            section = line.strip("[]")
        comment = COMMENTS.get((section, line.partition("=")[0].strip()))
        if comment is not None:
            lines.append(f"# {comment}")
        lines.append(line)
    return "\n".join(lines)

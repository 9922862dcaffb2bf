"""Messages SB800 to SB829."""


class PretrainingMessages:
    """Messages of the room `pretraining`."""

    # Corpora
    SB800 = (
        "'{path}' holds no text to pretrain on. Expected .txt, .jsonl or .spacy files with at "
        "least one sentence that has pieces. Check the path and the setting 'documents'."
    )
    SB801 = (
        "There is no corpus: the setting 'path' is not set. Expected a file or a folder; give it "
        "in the config or, for example, as --paths.train PATH."
    )
    SB802 = "There is no file or folder '{path}'. Relative paths start at {cwd}."
    SB803 = (
        "{path}, line {line}: the text is not UTF-8: byte {byte} is followed by what cannot be "
        "read ({got}). Convert the file, for example: iconv -f latin1 -t utf-8 FILE"
    )
    SB804 = (
        "{path}, line {line}: expected a JSON object with a text under '{key}', but got {got}. "
        "Repair the line, or name the key of the text in the setting 'text_key'."
    )
    SB805 = (
        "{path}: expected a file that spaCy's DocBin has written, but it cannot be read: {error}. "
        "Write it again with DocBin.to_disk, or with: spacy bert convert"
    )
    # Examples
    SB807 = (
        "No pair for the next-sentence task can be made: the corpus has {n_documents} documents "
        "with {n_sentences} sentences, {reason}. Set [pretraining.next_sentence] weight = 0.0, "
        "give documents of at least two sentences, or read them in another way: "
        "'documents' and 'sentences' of the corpus."
    )
    SB808 = (
        "The vocabulary has no mask piece: expected '[MASK]' or '<mask>' among its pieces. Train "
        "one with: spacy bert train-vocab; or add the piece to the tokenizer and its row to the "
        "encoder before pretraining."
    )
    SB809 = (
        "Windows of {got} pieces do not fit: expected 'max_pieces' from {low} to {high}, which "
        "this encoder and these special pieces allow. Change [pretraining] max_pieces."
    )
    # Encoders
    SB810 = (
        "[pretraining.encoder] needs either 'name', a checkpoint to go on from, or 'tokenizer', "
        "with which a new encoder is made; got {got}. Train a tokenizer with: "
        "spacy bert train-vocab"
    )
    SB811 = (
        "The tokenizer '{tokenizer}' is not that of the checkpoint '{name}': {difference}. Leave "
        "[pretraining.encoder] tokenizer = null to use the checkpoint's own, or add words to it "
        "with: spacy bert train-vocab CORPUS OUT --extend {name}"
    )
    SB813 = (
        "The next-sentence task needs a pooler and a place in the checkpoint for its head, which "
        "the family '{family}' has not. Set [pretraining.next_sentence] weight = 0.0, or take an "
        "encoder of the family 'bert' with at least 2 segments."
    )
    SB814 = (
        "Both objectives have weight 0.0, so there is nothing to learn. Set the weight of "
        "[pretraining.masking] or of [pretraining.next_sentence] above 0.0."
    )
    # Runs
    SB815 = (
        "[pretraining.optimizer] must be 'spacy-bert-plugin.AdamW.v1' or another optimizer with "
        "a method step_torch, but it is {got}. Change @optimizers."
    )
    SB816 = (
        "The config has no valid section [{section}]: {problem}. See configs/pretraining in the "
        "repository, or docs/pretraining.md, for a complete one."
    )
    SB817 = (
        "The run in '{path}' cannot go on: its corpus is not the one that it began with. Put the "
        "files and the tokenizer back as they were, or start anew with --overwrite."
    )
    SB818 = (
        "{what} could not be written to '{path}' ({error}). What was saved before is whole{kept}. "
        "Make room, or give another place, then run the same command with --resume."
    )
    SB819 = (
        "The held-out loss is {value} at step {step}. No checkpoint was replaced. Lower the "
        "learning rate, lengthen the warm-up, or lower grad_clip, and go on with --resume from "
        "the last state."
    )
    # Vocabularies
    SB820 = (
        "A vocabulary of {got} pieces is too small: the special pieces and the characters of this "
        "corpus need {low}. Raise --size."
    )
    SB821 = (
        "Only WordPiece vocabularies (as of BERT) can be extended; that of '{name}' is {got}. "
        "Expected a checkpoint whose tokenizer.json has a model of type WordPiece. Train a new "
        "vocabulary without --extend instead."
    )
    SB822 = (
        "No word of the corpus is worth adding to '{name}': every word that occurs at least "
        "{n} times is one piece already. Lower --min-count, or use the checkpoint as it is."
    )
    SB823 = (
        "The run in '{path}' cannot go on with another config. What differs: {keys}. Put these "
        "back as they were, or start anew with --overwrite or another --output. Free to change: "
        "pretraining.max_steps, max_epochs, eval_frequency, eval_pieces, save_every, save_minutes."
    )

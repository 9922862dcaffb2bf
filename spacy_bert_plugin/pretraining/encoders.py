"""The encoder that a run begins with: a new one, or that of a checkpoint, with its heads."""

from dataclasses import replace
from pathlib import Path

from ..checkpoints import (
    HubConfig,
    LoadedCheckpoint,
    build_checkpoint,
    load_checkpoint,
    read_tokenizer,
    resolve_checkpoint,
    save_checkpoint,
)
from ..encoder import BertEncoder
from ..errors import Errors, SettingError
from ..heads import NextSentenceHead
from ..layers.stored_heads import (
    load_masked_word_head,
    load_next_sentence_head,
    make_masked_word_head,
)
from ..pieces import PieceTokenizer
from .model import PretrainingModel
from .settings import EncoderChoice


def make_model(choice: EncoderChoice, *, use_words: bool, use_pairs: bool) -> PretrainingModel:
    """Make what is pretrained.

    choice: A checkpoint, or sizes and a tokenizer.
    use_words, use_pairs: Which objectives there are. A head that the checkpoint has is kept even
        if it is not learned.
    RAISES (SettingError): It is not said what to take, or it does not fit the objectives.
        (CheckpointError): A file is missing or damaged.
    """
    if choice.name is None:
        checkpoint, words, pairs = _build(choice, use_pairs=use_pairs), None, None
    else:
        path = resolve_checkpoint(choice.name, revision=choice.revision)
        checkpoint = load_checkpoint(path)
        _check_tokenizer(choice, checkpoint.tokenizer)
        words = load_masked_word_head(path)
        pairs = load_next_sentence_head(path)
    if use_pairs:
        _check_family(checkpoint)
        checkpoint = _add_pooler(checkpoint)
    if use_words and words is None:
        words = make_masked_word_head(checkpoint)
    if use_pairs and pairs is None:
        pairs = NextSentenceHead(checkpoint.encoder.config.width)
    return PretrainingModel(checkpoint, words=words, pairs=pairs)


def save_model(model: PretrainingModel, path: Path) -> None:
    """Save an encoder with its heads, as a folder that transformers opens.

    model: What was pretrained.
    path: The folder, which is replaced at once or not at all.
    RAISES (CheckpointError): It cannot be written. What was there is still there.
    """
    heads = {}
    if model.words is not None:
        heads["masked_words"] = model.words.state_dict()
    if model.pairs is not None:
        heads["next_sentence"] = model.pairs.state_dict()
    save_checkpoint(model.checkpoint, path, heads=heads)


def _build(choice: EncoderChoice, *, use_pairs: bool) -> LoadedCheckpoint:
    if choice.tokenizer is None:
        raise SettingError(Errors.SB810.format(got="neither"))
    tokenizer = read_tokenizer(Path(choice.tokenizer))
    # The classes of transformers that guess words alone have no pooler.
    sizes = {"use_pooler": use_pairs, **choice.sizes}
    return build_checkpoint(sizes, tokenizer, family=choice.family)


def _check_tokenizer(choice: EncoderChoice, tokenizer: PieceTokenizer) -> None:
    if choice.tokenizer is None:
        return
    other = read_tokenizer(Path(choice.tokenizer))
    difference = ""
    if other.vocab_size != tokenizer.vocab_size:
        difference = f"it has {other.vocab_size} pieces, the checkpoint's {tokenizer.vocab_size}"
    else:
        for index in range(other.vocab_size):
            one, two = other.name_piece(index), tokenizer.name_piece(index)
            if one != two:
                difference = f"piece {index} is {one!r}, in the checkpoint {two!r}"
                break
    if difference:
        raise SettingError(
            Errors.SB811.format(tokenizer=choice.tokenizer, name=choice.name, difference=difference)
        )


def _check_family(checkpoint: LoadedCheckpoint) -> None:
    if checkpoint.config.family != "bert" or checkpoint.encoder.config.n_segments < 2:
        family = checkpoint.config.raw.get("model_type", checkpoint.config.family)
        raise SettingError(Errors.SB813.format(family=family))


def _add_pooler(checkpoint: LoadedCheckpoint) -> LoadedCheckpoint:
    """Give an encoder that was saved without a pooler a new one."""
    encoder = checkpoint.encoder
    if not isinstance(encoder, BertEncoder) or encoder.pooler is not None:
        return checkpoint
    sizes = replace(encoder.config, use_pooler=True)
    whole = BertEncoder(sizes)
    whole.load_state_dict(encoder.state_dict(), strict=False)
    config = HubConfig(checkpoint.config.family, checkpoint.config.raw, sizes)
    return LoadedCheckpoint(whole, checkpoint.tokenizer, config)

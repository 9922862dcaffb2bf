"""Heads of pretraining: loaded from a checkpoint, made for an encoder, checked against it."""

from pathlib import Path

from ..checkpoints import (
    LoadedCheckpoint,
    describe_masked_words,
    read_masked_words,
    read_next_sentence,
)
from ..encoder import find_piece_table
from ..errors import Errors, SettingError
from ..heads import MaskedWordHead, NextSentenceHead
from ..typedefs import Encoder


def load_masked_word_head(path: Path, *, is_own: bool = False) -> MaskedWordHead | None:
    """Load the masked-word head of a checkpoint.

    path (Path): A Hugging Face folder.
    is_own (bool): Whether `save_checkpoint` wrote it: then every byte has to be what was saved.
    RETURNS (MaskedWordHead | None): None if the checkpoint has none. On the CPU.
    RAISES (CheckpointError): It has one of a kind that is not known, or a file is damaged.
    """
    stored = read_masked_words(path, is_own=is_own)
    if stored is None:
        return None
    head = MaskedWordHead(**stored.sizes)
    head.load_state_dict(stored.tensors)
    return head


def load_next_sentence_head(path: Path, *, is_own: bool = False) -> NextSentenceHead | None:
    """Load the next-sentence head of a checkpoint. Arguments and errors: as of the other head."""
    stored = read_next_sentence(path, is_own=is_own)
    if stored is None:
        return None
    head = NextSentenceHead(**stored.sizes)
    head.load_state_dict(stored.tensors)
    return head


def make_masked_word_head(checkpoint: LoadedCheckpoint) -> MaskedWordHead:
    """Make the masked-word head that transformers gives an encoder, with random weights.

    checkpoint (LoadedCheckpoint): The encoder.
    RETURNS (MaskedWordHead): On the CPU.
    """
    vocab_size, embedding_width = find_piece_table(checkpoint.encoder).shape
    return MaskedWordHead(
        checkpoint.encoder.config.width,
        vocab_size,
        embedding_width=embedding_width,
        **describe_masked_words(checkpoint.config),
    )


def check_head(head: MaskedWordHead, encoder: Encoder, *, name: str) -> None:
    """Check that a masked-word head and an encoder belong together, as far as sizes can tell.

    name (str): Of the component or the checkpoint, for the message.
    RAISES (SettingError): They do not.
    """
    vocab_size, embedding_width = find_piece_table(encoder).shape
    expected = {
        "width": encoder.config.width,
        "vocab_size": vocab_size,
        "embedding_width": embedding_width,
    }
    got = {key: head.sizes[key] for key in expected}
    if got != expected:
        raise SettingError(Errors.SB533.format(name=name, expected=expected, got=got))

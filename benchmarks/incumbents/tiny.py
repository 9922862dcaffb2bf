"""A tiny random encoder to run tests on: two layers over bytes, so every text has its pieces."""

import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from spacy.language import Language
from tokenizers import Tokenizer, models, pre_tokenizers, processors

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
WIDTH = 96  # spaCy's tests take the width of its own default for granted
SIZES = {
    "width": WIDTH,
    "n_layers": 2,
    "n_heads": 4,
    "hidden_width": 128,
    "n_positions": 256,
    "use_pooler": True,
    "initializer_range": 0.1,
}


@cache
def write_tokenizer() -> str:
    """Write a byte-level tokenizer without merges. RETURNS: Path of its folder."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {piece: index for index, piece in enumerate([*SPECIAL, *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    folder = Path(tempfile.mkdtemp(prefix="tiny-tokenizer-"))
    tokenizer.save(str(folder / "tokenizer.json"))
    return str(folder)


def fit_sizes(width: int) -> dict[str, Any]:
    """Sizes of an encoder of any width."""
    return {**SIZES, "width": width, "n_heads": 4 if width % 4 == 0 else 1}


def describe_model(width: int = WIDTH) -> dict[str, Any]:
    """The block of a config that builds the encoder."""
    return {
        "@architectures": "spacy-bert-plugin.BertEncoder.v1",
        "name": None,
        "sizes": fit_sizes(width),
        "tokenizer": write_tokenizer(),
    }


def set_training() -> None:
    """Let pipelines learn faster, at the rate LEARN_RATE, or longer, UPDATES times each batch."""
    if os.environ.get("LEARN_RATE"):
        optimizer = Language.default_config["training"]["optimizer"]
        optimizer["learn_rate"] = float(os.environ["LEARN_RATE"])
    n_updates = int(os.environ.get("UPDATES") or 1)
    update = Language.update

    def update_often(self: Language, *args: Any, **kwargs: Any) -> Any:
        for _ in range(n_updates - 1):
            update(self, *args, **{**kwargs, "losses": None})
        return update(self, *args, **kwargs)

    Language.update = update_often if n_updates > 1 else update

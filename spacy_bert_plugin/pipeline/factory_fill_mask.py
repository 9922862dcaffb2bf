"""The factory `bert_fill_mask`, declared without loading what it needs."""

from typing import Any

from spacy.language import Language
from thinc.api import Model

DEFAULT_CONFIG: dict[str, Any] = {
    "model": {
        "@architectures": "spacy-bert-plugin.MaskedLanguageModel.v1",
        "tok2vec": {
            "@architectures": "spacy-bert-plugin.BertListener.v1",
            "upstream": "*",
            "pooling": "mean",
        },
        "name": None,
        "revision": None,
    },
    "mode": "masks",
    "top_k": 5,
    "mask_text": None,
    "max_pieces": None,
}


@Language.factory(
    "bert_fill_mask",
    assigns=["token._.fills", "token._.surprise", "doc._.surprise"],
    default_config=DEFAULT_CONFIG,
)
def make_bert_fill_mask(
    nlp: Language,
    name: str,
    model: Model[Any, Any],
    mode: str,
    top_k: int,
    mask_text: str | None,
    max_pieces: int | None,
) -> Any:
    """Construct a component that asks the encoder for hidden words; see `BertFillMask`.

    model (Model[MaskedWindows, Floats2d]): Built by `spacy-bert-plugin.MaskedLanguageModel.v1`.
    mode (str): "masks": words for masked tokens (`token._.fills`); "surprise": how surprising each
        token is, in bits (`token._.surprise`, `doc._.surprise`).
    top_k (int): Number of words for each mask.
    mask_text (str | None): What is a mask in a text; None: the encoder's own mask piece.
    max_pieces (int | None): Most pieces of a window; None: those of the encoder.
    RAISES (SettingError): A value cannot work.
    """
    from .bert_fill_mask import BertFillMask

    return BertFillMask(
        nlp.vocab,
        model,
        name,
        mode=mode,
        top_k=top_k,
        mask_text=mask_text,
        max_pieces=max_pieces,
    )

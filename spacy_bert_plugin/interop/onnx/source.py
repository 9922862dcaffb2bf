"""What of a pipeline is exported: an encoder, and a head that reads its vectors."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import torch
from spacy.language import Language
from torch import nn

from ...checkpoints import LoadedCheckpoint
from ...encoder import BertEncoder
from ...errors import Errors, SettingError
from ...layers import EncoderModel, get_shim, size_windows
from ...layers.head import find_tok2vec, get_head_shim
from ...layers.listener import BertListener
from ...layers.shim import BertShim
from ...pipeline.bert_ner import BertNer
from ...pipeline.bert_textcat import BertTextcat
from ...pipeline.bert_transformer import BertTransformer
from .feeding import BERT_NER, BERT_TEXTCAT, ENCODER

FAMILIES = "bert, roberta, xlm-roberta, camembert, electra, distilbert"
SUPPORTED = {BertTransformer: ENCODER, BertNer: BERT_NER, BertTextcat: BERT_TEXTCAT}


@dataclass(frozen=True)
class Source:
    """An encoder, alone or with a head.

    name: Name of the component.
    kind: ENCODER, BERT_NER or BERT_TEXTCAT.
    model: The encoder's.
    pooling: Which vectors the head reads: "tokens", "first", "cls", "pooler" or "mean".
    pipe: The component, None for the encoder alone.
    """

    name: str
    kind: str
    model: EncoderModel
    pooling: str
    pipe: BertNer | BertTextcat | None = None

    @property
    def checkpoint(self) -> LoadedCheckpoint:
        """Encoder, tokenizer and config."""
        return get_shim(self.model).checkpoint

    @property
    def encoder(self) -> BertEncoder:
        """The encoder. RAISES (SettingError): It is not one of our own."""
        encoder = self.checkpoint.encoder
        if not isinstance(encoder, BertEncoder):
            got = self.checkpoint.config.raw.get("model_type", self.checkpoint.config.family)
            raise SettingError(Errors.SB712.format(component=self.name, got=got, expected=FAMILIES))
        return encoder

    @property
    def head(self) -> Any:
        """The torch module of the head, None for the encoder alone."""
        return None if self.pipe is None else get_head_shim(self.pipe.model).module

    @property
    def max_pieces(self) -> int:
        """Most pieces of a window, special ones included."""
        return size_windows(self.model.attrs["settings"], self.checkpoint)[0]

    @property
    def overlap(self) -> int:
        """Pieces that windows of a long text share."""
        return size_windows(self.model.attrs["settings"], self.checkpoint)[1]

    def identify(self) -> dict[str, Any]:
        """What has to be the same for an exported file to belong to a pipeline."""
        return {
            "kind": self.kind,
            "encoder weights": hash_weights(self.encoder),
            "head weights": hash_weights(self.head),
            "tokenizer": hashlib.sha256(self.checkpoint.tokenizer.json.encode()).hexdigest(),
            "labels": list(self.pipe.labels) if self.pipe is not None else [],
            "max_pieces": self.max_pieces,
            "overlap": self.overlap,
            "pooling": self.pooling,
        }


def find_source(nlp: Language, component: str) -> Source:
    """Find a component and its encoder.

    component (str): Name of a component; "encoder" for the bert_transformer.
    RAISES (SettingError): There is none that can be exported, or it has no weights.
    """
    pipes = dict(nlp.components)
    name = component
    if component == "encoder" and component not in pipes:
        name = next((n for n, pipe in pipes.items() if isinstance(pipe, BertTransformer)), name)
    pipe = pipes.get(name)
    kind = next((kind for base, kind in SUPPORTED.items() if isinstance(pipe, base)), None)
    if pipe is None or kind is None:
        got = ", ".join(pipes) or "no components"
        raise SettingError(Errors.SB710.format(component=component, got=got))
    if isinstance(pipe, BertTransformer):
        source = Source(name, kind, pipe.model, "tokens")
    else:
        model, pooling = _find_encoder(name, pipe)
        source = Source(name, kind, model, pooling, pipe)
    if not get_shim(source.model).is_loaded or (source.pipe is not None and source.head is None):
        raise SettingError(Errors.SB713.format(component=name))
    _ = source.encoder
    if source.pooling == "pieces":
        raise SettingError(Errors.SB723.format(got="pooling = 'pieces'"))
    return source


def hash_weights(module: nn.Module | None) -> str:
    """Hash the names and values of all weights; "" where there is no module.

    RETURNS (str): SHA-256, in hex digits.
    """
    if module is None:
        return ""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        values = tensor.detach().to("cpu", torch.float32).contiguous()
        digest.update(f"{name} {tuple(values.shape)}\n".encode())
        digest.update(values.numpy().tobytes())
    return digest.hexdigest()


def _find_encoder(name: str, pipe: BertNer | BertTextcat) -> tuple[EncoderModel, str]:
    tok2vec = find_tok2vec(pipe.model)
    if isinstance(tok2vec, BertListener) and tok2vec.encoders:
        encoder: Any = tok2vec.encoders[-1]
        return encoder.model, tok2vec.output
    if tok2vec.shims and isinstance(tok2vec.shims[0], BertShim):
        return tok2vec, tok2vec.attrs["settings"].output
    raise SettingError(Errors.SB711.format(component=name, got=tok2vec.name))

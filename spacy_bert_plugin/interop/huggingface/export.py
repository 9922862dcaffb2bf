"""A pipeline becomes a checkpoint that transformers opens, with the same logits."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy.language import Language
from torch import Tensor

from ...checkpoints import LoadedCheckpoint
from ...checkpoints.auto_model import list_auto_tensors
from ...checkpoints.checkpoint import CONFIG
from ...checkpoints.config_json import AUTO
from ...checkpoints.own_model import list_own_tensors
from ...checkpoints.safetensors_file import write_tensors
from ...checkpoints.shards import WEIGHTS
from ...checkpoints.tokenizer_files import SETTINGS, TOKENIZER, make_settings
from ...errors import Errors, SettingError
from ...layers import get_shim
from ...layers.head import find_tok2vec, get_head_shim
from ...layers.listener import BertListener
from ...pipeline.bert_ner import BertNer
from ...pipeline.bert_textcat import BertTextcat
from ...pipeline.bert_transformer import BertTransformer
from ..folders import check_new, write_new
from .card import CARD, write_card
from .held import HeldHead, hold_tagger, hold_texts
from .layouts import ENCODER, TEXTS, TOKENS

TARGETS = ("hf",)
# transformers' Auto class of each task.
AUTO_CLASSES = {
    TOKENS: "AutoModelForTokenClassification",
    TEXTS: "AutoModelForSequenceClassification",
    ENCODER: "AutoModel",
}


@dataclass
class ExportReport:
    """What was written.

    component: The component that was exported.
    task: TOKENS, TEXTS or ENCODER.
    architecture: transformers' class.
    opens_with: The Auto class that opens it.
    outputs: Names of the outputs.
    notes: What was changed on the way, and what stays behind.
    """

    component: str
    task: str
    architecture: str
    opens_with: str
    outputs: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def export_pipeline(
    nlp: Language, out: Path, *, component: str | None = None, to: str = "hf"
) -> ExportReport:
    """Write an encoder, and a head that listens to it, as a checkpoint of transformers.

    nlp (Language): A trained pipeline.
    out (Path): Folder to write; it may not exist yet, or is empty.
    component (str | None): A bert_ner, bert_textcat or bert_transformer; None: the only head, or
        the encoder where there is no head.
    to (str): The format, one of `TARGETS`.
    RETURNS (ExportReport): What was written. Weights are float32, whatever `precision` says.
    RAISES (SettingError): There is no such component, or transformers has no place for what it
        computes; the message names the setting. Nothing has been written.
    """
    if to not in TARGETS:
        raise SettingError(Errors.SB758.format(expected=", ".join(TARGETS), got=to))
    check_new(out)
    name = component or _choose(nlp)
    pipe = dict(nlp.components).get(name)
    if not isinstance(pipe, BertNer | BertTextcat | BertTransformer):
        got = ", ".join(nlp.component_names) or "no components"
        raise SettingError(Errors.SB754.format(component=name, got=got))
    encoder = _find_encoder(name, pipe)
    shim = get_shim(encoder.model)
    model: Any = pipe.model
    is_head = isinstance(pipe, BertNer | BertTextcat)
    if not shim.is_loaded or (is_head and get_head_shim(model).module is None):
        raise SettingError(Errors.SB757.format(component=name))
    checkpoint = shim.checkpoint
    held = _hold(name, pipe, checkpoint, encoder.name)
    files, architecture = _list_files(checkpoint, held)
    report = ExportReport(
        name, held.task, architecture, AUTO_CLASSES[held.task], held.outputs, held.notes
    )
    with write_new(out) as staged:
        staged.mkdir()
        for file, data in files.items():
            (staged / file).write_bytes(data)
        (staged / CARD).write_text(write_card(nlp, report), encoding="utf8")
    return report


def _choose(nlp: Language) -> str:
    """The only head of the pipeline, or its encoder. RAISES (SettingError): There are several."""
    heads = [n for n, pipe in nlp.components if isinstance(pipe, BertNer | BertTextcat)]
    if len(heads) > 1:
        raise SettingError(Errors.SB759.format(got=", ".join(heads)))
    encoders = [n for n, pipe in nlp.components if isinstance(pipe, BertTransformer)]
    return next(iter([*heads, *encoders]), "encoder")


def _find_encoder(name: str, pipe: BertNer | BertTextcat | BertTransformer) -> BertTransformer:
    if isinstance(pipe, BertTransformer):
        return pipe
    tok2vec = find_tok2vec(pipe.model)
    if isinstance(tok2vec, BertListener) and tok2vec.encoders:
        encoder: Any = tok2vec.encoders[-1]
        found: BertTransformer = encoder
        return found
    raise SettingError(Errors.SB756.format(component=name, got=tok2vec.name))


def _hold(
    name: str,
    pipe: BertNer | BertTextcat | BertTransformer,
    checkpoint: LoadedCheckpoint,
    encoder: str,
) -> HeldHead:
    if isinstance(pipe, BertNer):
        return hold_tagger(name, pipe, checkpoint, encoder=encoder)
    if isinstance(pipe, BertTextcat):
        return hold_texts(name, pipe, checkpoint, encoder=encoder)
    return HeldHead(ENCODER)


def _list_files(checkpoint: LoadedCheckpoint, held: HeldHead) -> tuple[dict[str, bytes], str]:
    """Files of the folder, and the name of transformers' class."""
    tokenizer, sizes = checkpoint.tokenizer, checkpoint.encoder.config
    raw = {**checkpoint.config.raw, **held.config}
    tensors = _name_tensors(checkpoint)
    if held.family is not None:
        layout = held.family.layout(held.task)
        if not layout.has_pooler:
            tensors = {n: t for n, t in tensors.items() if not n.startswith("pooler.")}
        tensors = {f"{held.family.prefix}{n}": t for n, t in tensors.items()}
        kind = "TokenClassification" if held.task == TOKENS else "SequenceClassification"
        raw["architectures"] = [f"{held.family.name}For{kind}"]
    elif "architectures" not in raw:
        adapter: Any = checkpoint.encoder
        raw["architectures"] = [type(adapter.model).__name__]
    tensors.update(held.tensors)
    exported = {
        name: tensor.detach().float().cpu().contiguous() for name, tensor in tensors.items()
    }
    settings = make_settings(
        tokenizer, max_pieces=sizes.max_pieces, use_segments=sizes.n_segments > 1
    )
    files = {
        CONFIG: (json.dumps(raw, indent=2, sort_keys=True) + "\n").encode(),
        WEIGHTS: write_tensors(exported),
        TOKENIZER: tokenizer.json.encode(),
        SETTINGS: settings.encode(),
    }
    return files, str(raw["architectures"][0])


def _name_tensors(checkpoint: LoadedCheckpoint) -> dict[str, Tensor]:
    """Tensors of the encoder as transformers names them when there is no head."""
    state = checkpoint.encoder.state_dict()
    if checkpoint.config.family == AUTO:
        return list_auto_tensors(state)
    return list_own_tensors(state, family=checkpoint.config.family)

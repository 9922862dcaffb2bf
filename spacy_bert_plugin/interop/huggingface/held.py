"""Heads of a pipeline as transformers can hold them, or the setting that it cannot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from ...checkpoints import LoadedCheckpoint
from ...encoder.adapter import GLOBAL_FIRST
from ...errors import Errors, SettingError
from ...layers.head import find_tok2vec, get_head
from ...layers.listener import BertListener
from ...pipeline.bert_ner import BertNer
from ...pipeline.bert_textcat import BertTextcat
from .layouts import (
    ACTIVATION_NAMES,
    FAMILIES,
    POOLINGS,
    TEXTS,
    TOKENS,
    Family,
    HeadLayout,
    read_hidden,
)


@dataclass
class HeldHead:
    """A head in the names of transformers.

    task: TOKENS, TEXTS or ENCODER.
    family: How the architecture names classes and tensors; None for an encoder alone.
    config: What config.json says about it.
    tensors: Its tensors, under their names in the file.
    outputs: Names of its outputs.
    notes: What was changed on the way, and what stays behind.
    """

    task: str
    family: Family | None = None
    config: dict[str, Any] = field(default_factory=dict)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Holder:
    """Refuses what an architecture has no place for.

    component: The component, for messages.
    checkpoint: The encoder.
    task: TOKENS or TEXTS.
    encoder: Name of the component with the encoder, for messages.
    """

    def __init__(
        self, component: str, checkpoint: LoadedCheckpoint, task: str, *, encoder: str
    ) -> None:
        self.component, self.encoder, self.task = component, encoder, task
        self.raw: Mapping[str, Any] = checkpoint.config.raw
        self.width = checkpoint.encoder.config.width
        self.model_type = str(self.raw.get("model_type"))
        if self.model_type not in FAMILIES:
            self.refuse(f"a head over {self.model_type}", f"one of {', '.join(FAMILIES)}")
        self.family = FAMILIES[self.model_type]
        self.layout: HeadLayout = self.family.layout(task)

    def refuse(self, problem: str, expected: str) -> None:
        """RAISES (SettingError): Always."""
        raise SettingError(
            Errors.SB755.format(
                component=self.component,
                family=self.model_type,
                problem=problem,
                expected=expected,
                encoder=self.encoder,
            )
        )

    def check(self, is_held: bool, problem: str, expected: str) -> None:
        """RAISES (SettingError): It is not held."""
        if not is_held:
            self.refuse(problem, expected)

    def check_hidden(self, module: Any) -> dict[str, Any]:
        """Compare the layer before the scores with the one of the architecture.

        RETURNS (dict): What config.json says about it.
        RAISES (SettingError): It is another one.
        """
        wanted = read_hidden(self.layout, self.raw, width=self.width)
        hidden = module.hidden
        if not wanted["hidden_width"]:
            self.check(hidden is None, "a layer before the scores", "hidden_width = 0")
            return {}
        name = wanted["activation"]
        expected = [f"hidden_width = {self.width}"]
        if not self.layout.activation.startswith("@"):
            expected.append(f'activation = "{ACTIVATION_NAMES[name]}"')
        if self.layout.norm:
            expected.append("use_norm = true")
        is_same = hidden is not None and hidden.out_features == self.width
        is_same = is_same and (hidden.norm is not None) == bool(self.layout.norm)
        is_same = is_same and (bool(self.layout.norm) or hidden.bias is not None)
        if self.layout.activation.startswith("@"):
            names = {ours: theirs for theirs, ours in reversed([*ACTIVATION_NAMES.items()])}
        else:
            is_same = is_same and hidden.activation == ACTIVATION_NAMES[name]
        self.check(is_same, "this layer before the scores", ", ".join(expected))
        found: dict[str, Any] = {}
        if self.layout.activation.startswith("@"):
            found[self.layout.activation[1:]] = names[hidden.activation]
        if self.layout.norm:
            self._add_norm(hidden, found)
        return found

    def _add_norm(self, hidden: Any, found: dict[str, Any]) -> None:
        """The norm's settings belong to all norms of the encoder, so they have to be the same."""
        has_bias = bool(self.raw.get("norm_bias", False))
        eps = float(self.raw.get("norm_eps", 1e-5))
        is_same = (hidden.norm.bias is not None) == has_bias and hidden.norm.eps == eps
        bias = str(has_bias).lower()
        self.check(
            is_same, "this norm before the scores", f"use_norm_bias = {bias}, norm_eps = {eps}"
        )
        found["classifier_bias"] = hidden.bias is not None

    def name_tensors(self, module: Any) -> dict[str, Tensor]:
        """Tensors of the head under the names of the architecture."""
        modules = {
            "output": self.layout.output,
            "hidden": self.layout.hidden,
            "hidden.norm": self.layout.norm,
        }
        named = {}
        for name, tensor in module.state_dict().items():
            ours, _, kind = name.rpartition(".")
            named[f"{modules[ours]}.{kind}"] = tensor.detach().float().cpu()
        return named


def hold_tagger(
    name: str, pipe: BertNer, checkpoint: LoadedCheckpoint, *, encoder: str
) -> HeldHead:
    """Write a bert_ner in the names of transformers.

    RAISES (SettingError): transformers has no place for what it computes.
    """
    holder = Holder(name, checkpoint, TOKENS, encoder=encoder)
    head: Any = get_head(pipe.model)
    attributes = pipe.model.attrs["features"]
    holder.check(not attributes, f"features = {list(attributes)}", "features = []")
    holder.check(head.learned_transitions is None, "use_crf = true", "use_crf = false")
    holder.check(
        _find_pooling(pipe) == "first",
        'pooling = "mean" of the pieces of a token',
        'pooling = "first" of [components.*.model.tok2vec]',
    )
    holder.check(
        not holder.raw.get(GLOBAL_FIRST), "global attention on the first piece", "none for words"
    )
    held = HeldHead(TOKENS, holder.family, holder.check_hidden(head), holder.name_tensors(head))
    held.outputs = list(pipe.model.attrs["outputs"]) or list(pipe.scheme.names)
    bias = float(pipe.cfg["outside_bias"])
    if bias:
        row = held.outputs.index("O")
        key = f"{holder.layout.output}.bias"
        held.tensors[key] = held.tensors[key].clone()
        held.tensors[key][row] += bias
        held.notes.append(f"outside_bias = {bias:g} is part of the bias of O.")
    if pipe.cfg["confidence"]:
        held.notes.append("The calibration of confidences stays behind.")
    if pipe.threshold:
        held.notes.append(f"threshold = {pipe.threshold:g} stays behind.")
    held.notes.append(
        "Each word has the tag of its first piece. The pipeline takes the best legal sequence of "
        "tags; the best tag of each word alone may differ from it."
    )
    held.config.update(_describe(held.outputs))
    return held


def hold_texts(
    name: str, pipe: BertTextcat, checkpoint: LoadedCheckpoint, *, encoder: str
) -> HeldHead:
    """Write a bert_textcat in the names of transformers.

    RAISES (SettingError): transformers has no place for what it computes.
    """
    holder = Holder(name, checkpoint, TEXTS, encoder=encoder)
    head: Any = get_head(pipe.model)
    layout = holder.layout
    holder.check(head.pooling is None, 'pooling = "attention"', 'pooling = "given"')
    config = holder.check_hidden(head)
    is_free = layout.pooling.startswith("@")
    pooling, pools = _find_pooling(pipe), ["cls", "pieces"] if is_free else [layout.pooling]
    if pooling not in pools:
        expected = " or ".join(f'pooling = "{pool}"' for pool in pools)
        holder.refuse(
            f'pooling = "{pooling}"', f"{expected} of spacy-bert-plugin.BertPooledListener.v1"
        )
    if is_free:
        theirs = {ours: name for name, ours in POOLINGS.items()}
        config[layout.pooling[1:]] = theirs[pooling]
    if holder.model_type == "longformer":
        problem = "a text classifier without global attention on the first piece"
        holder.check(bool(holder.raw.get(GLOBAL_FIRST)), problem, f"{GLOBAL_FIRST} in config.json")
    held = HeldHead(TEXTS, holder.family, config, holder.name_tensors(head), list(pipe.labels))
    if pipe.temperature != 1.0:
        # The softmax of what is written is then what doc.cats says.
        for kind in ("weight", "bias"):
            key = f"{layout.output}.{kind}"
            held.tensors[key] = held.tensors[key] / pipe.temperature
        held.notes.append(f"temperature = {pipe.temperature:g} is part of the last layer.")
    cuts = {label: cut for label, cut in pipe.thresholds.items() if cut != 0.5}
    if cuts and not pipe.exclusive:
        shown = ", ".join(f"{label} {cut:g}" for label, cut in cuts.items())
        held.notes.append(f"Thresholds stay behind: {shown}.")
    kind = "single_label" if pipe.exclusive else "multi_label"
    held.config.update(_describe(held.outputs), problem_type=f"{kind}_classification")
    return held


def _find_pooling(pipe: BertNer | BertTextcat) -> str:
    listener: Any = find_tok2vec(pipe.model)
    found: str = listener.output if isinstance(listener, BertListener) else ""
    return "mean over tokens" if found == "tokens" and isinstance(pipe, BertTextcat) else found


def _describe(outputs: list[str]) -> dict[str, Any]:
    return {
        "id2label": {str(i): name for i, name in enumerate(outputs)},
        "label2id": {name: i for i, name in enumerate(outputs)},
    }

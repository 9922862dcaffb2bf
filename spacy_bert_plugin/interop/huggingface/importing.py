"""A fine-tuned checkpoint becomes a pipeline: encoder, head, labels, and the same logits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from torch import Tensor

from ...checkpoints import LoadedCheckpoint, load_checkpoint, resolve_checkpoint
from ...encoder.adapter import GLOBAL_FIRST, AutoModelAdapter
from ...errors import CheckpointError, Errors
from ...heads import find_scheme, read_outputs
from ...layers import set_checkpoint
from ...layers.head import get_head_shim
from ...layers.stored_heads import load_masked_word_head
from ..folders import check_new, write_new
from .compare import Difference, compare_logits
from .labels import are_generic, is_exclusive, read_labels
from .layouts import ACTIVATION_NAMES, ENCODER, MASKED, POOLINGS, TEXTS, TOKENS, read_hidden
from .source import HeadSource, open_source, read_head

LISTENER = "spacy-bert-plugin.BertListener.v1"
POOLED_LISTENER = "spacy-bert-plugin.BertPooledListener.v1"
ENCODER_NAME = "transformer"
NAMES = {TOKENS: "ner", TEXTS: "textcat", MASKED: "fill_mask"}


@dataclass
class ImportReport:
    """What was made of a checkpoint.

    task: What its head was for.
    components: Names of the components, with their factories.
    labels: Labels of the head.
    settings: What was found out about the head, by name.
    notes: What to look at.
    difference: Logits against those of transformers on sample texts, where there were any.
    """

    task: str
    components: dict[str, str] = field(default_factory=dict)
    labels: list[str] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    difference: Difference | None = None


def import_checkpoint(
    source: str | Path,
    out: Path,
    *,
    lang: str = "en",
    scheme: str = "auto",
    labels: Sequence[str] = (),
    exclusive: bool | None = None,
    texts: Sequence[str] = (),
    revision: str | None = None,
) -> ImportReport:
    """Make a pipeline of a checkpoint of transformers, and save it.

    source (str | Path): A folder, or a name on the hub.
    out (Path): Folder to write; it may not exist yet, or is empty.
    lang (str): Language of the pipeline.
    scheme (str): How the outputs of a tagger are read: "auto" or one of `heads.SCHEMES`.
    labels (Sequence[str]): Names of the outputs in order, in the place of those in the file.
    exclusive (bool | None): Whether each text has exactly one category; None: as the file says.
    texts (Sequence[str]): Sample texts to compare logits on.
    revision (str | None): Branch, tag or commit on the hub.
    RETURNS (ImportReport): What was made.
    RAISES (CheckpointError): The checkpoint cannot be read, or its head has no place in spaCy.
        Nothing has been written.
    """
    check_new(out)
    path = resolve_checkpoint(source, revision=revision)
    head = open_source(path)
    report = ImportReport(head.task)
    nlp, checkpoint = _start(head, str(source), lang=lang, revision=revision)
    if head.task == TOKENS:
        _add_tagger(nlp, head, checkpoint, report, scheme=scheme, given=labels)
    elif head.task == TEXTS:
        _add_classifier(nlp, head, checkpoint, report, exclusive=exclusive, given=labels)
    elif head.task == MASKED:
        _add_masked(nlp, head)
    report.components = {name: nlp.get_pipe_meta(name).factory for name in nlp.pipe_names}
    with write_new(out) as staged:
        nlp.to_disk(staged)
        if texts and head.task in (TOKENS, TEXTS):
            # What was saved is compared, not what is in memory.
            saved = spacy.load(staged)
            report.difference = compare_logits(saved, NAMES[head.task], path, texts)
    return report


def _start(
    head: HeadSource, name: str, *, lang: str, revision: str | None
) -> tuple[Language, LoadedCheckpoint]:
    """Make a pipeline with the encoder."""
    if head.task in (TOKENS, TEXTS):
        _ = head.family  # unknown ones are refused before their weights are read
    checkpoint = load_checkpoint(head.path)
    if head.task == TEXTS and head.model_type == "longformer":
        checkpoint = attend_to_first(checkpoint)
    nlp = spacy.blank(lang)
    nlp.meta["description"] = f"Made from the checkpoint {name} of the {head.task} kind."
    config = {"model": {"name": name, "revision": revision}}
    pipe: Any = nlp.add_pipe("bert_transformer", name=ENCODER_NAME, config=config)
    set_checkpoint(pipe.model, checkpoint)
    return nlp, checkpoint


def attend_to_first(checkpoint: LoadedCheckpoint) -> LoadedCheckpoint:
    """Give the first piece global attention, as Longformer's text classifier does."""
    encoder, config = checkpoint.encoder, checkpoint.config
    config.raw[GLOBAL_FIRST] = True
    if isinstance(encoder, AutoModelAdapter):
        settings: Any = encoder.model.config
        setattr(settings, GLOBAL_FIRST, True)
        encoder = AutoModelAdapter(encoder.model)
    return LoadedCheckpoint(encoder, checkpoint.tokenizer, config)


def _add_tagger(
    nlp: Language,
    head: HeadSource,
    checkpoint: LoadedCheckpoint,
    report: ImportReport,
    *,
    scheme: str,
    given: Sequence[str],
) -> None:
    width = checkpoint.encoder.config.width
    tensors = read_head(head, width=width)
    n_outputs = len(tensors["output.weight"])
    outputs = read_labels(head.config, n_outputs, given=given, source=str(head.path))
    found = find_scheme(outputs) if scheme == "auto" else scheme
    tags = read_outputs(outputs, found)
    model: dict[str, Any] = {
        "tok2vec": {"@architectures": LISTENER, "upstream": ENCODER_NAME, "pooling": "first"},
        "features": [],
        "outputs": outputs,
        "scheme": found,
        **_read_layer(head, width=width),
    }
    pipe: Any = nlp.add_pipe("bert_ner", name=NAMES[TOKENS], config={"model": model})
    _fill(pipe, tensors, head, width=width, n_labels=len(tags.labels))
    report.labels = list(tags.labels)
    report.settings = {"scheme": found, "outputs": ", ".join(outputs)}
    if any(tags.joined):
        joined = [label for label, is_one in zip(tags.labels, tags.joined, strict=True) if is_one]
        names = ", ".join(joined)
        report.notes.append(f"Entities of the same label side by side are one entity: {names}.")


def _add_classifier(
    nlp: Language,
    head: HeadSource,
    checkpoint: LoadedCheckpoint,
    report: ImportReport,
    *,
    exclusive: bool | None,
    given: Sequence[str],
) -> None:
    source, width = str(head.path), checkpoint.encoder.config.width
    tensors = read_head(head, width=width)
    n_outputs = len(tensors["output.weight"])
    is_single = is_exclusive(head.config, n_outputs, given=exclusive, source=source)
    labels = read_labels(head.config, n_outputs, given=given, source=source)
    pooling = POOLINGS.get(head.layout.read(head.config, "pooling"), "cls")
    if pooling == "pooler" and not checkpoint.encoder.config.use_pooler:
        raise CheckpointError(Errors.SB746.format(source=source, names="pooler.dense.weight"))
    model: dict[str, Any] = {
        "tok2vec": {
            "@architectures": POOLED_LISTENER,
            "upstream": ENCODER_NAME,
            "pooling": pooling,
        },
        **_read_layer(head, width=width),
    }
    config = {"model": model, "exclusive": is_single}
    pipe: Any = nlp.add_pipe("bert_textcat", name=NAMES[TEXTS], config=config)
    for label in labels:
        pipe.add_label(label)
    _fill(pipe, tensors, head, width=width, n_labels=n_outputs)
    kind = "exactly one a text (softmax)" if is_single else "any number a text (sigmoid)"
    report.labels = labels
    report.settings = {"labels": kind, "pooling": pooling}
    if are_generic(labels):
        report.notes.append("The checkpoint does not name its labels. Give names with --labels.")


def _add_masked(nlp: Language, head: HeadSource) -> None:
    words = load_masked_word_head(head.path)
    if words is None:
        got = ", ".join(head.config["architectures"])
        raise CheckpointError(Errors.SB753.format(source=head.path, got=got))
    pipe: Any = nlp.add_pipe("bert_fill_mask", name=NAMES[MASKED])
    pipe.set_head(words)


def _read_layer(head: HeadSource, *, width: int) -> dict[str, Any]:
    """Settings of the layer before the scores. RAISES (CheckpointError): Unknown activation."""
    found = read_hidden(head.layout, head.config, width=width)
    if "activation" in found:
        name = found["activation"]
        if name not in ACTIVATION_NAMES:
            expected = ", ".join(ACTIVATION_NAMES)
            raise CheckpointError(
                Errors.SB751.format(source=head.path, got=str(name)[:80], expected=expected)
            )
        found["activation"] = ACTIVATION_NAMES[name]
    return found


def _fill(
    pipe: Any, tensors: dict[str, Tensor], head: HeadSource, *, width: int, n_labels: int
) -> None:
    """Give the head its weights. RAISES (CheckpointError): They are not all that it has."""
    module = get_head_shim(pipe.model).set_sizes(width=width, n_labels=n_labels)
    wrong = sorted(set(module.state_dict()) ^ set(tensors))
    if wrong:
        raise CheckpointError(Errors.SB746.format(source=head.path, names=", ".join(wrong)))
    module.load_state_dict(tensors)


__all__ = ["ENCODER", "ImportReport", "attend_to_first", "import_checkpoint"]

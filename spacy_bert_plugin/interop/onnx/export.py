"""Writes a component of a pipeline as a folder with an ONNX file, after checking it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from spacy.language import Language

from ..._compat import import_optional
from ...errors import CheckpointError, Errors, SettingError
from ...training.folders import replace_folder
from .build import build_model
from .compare import BOUNDS, SAMPLES, check_agreement, measure_agreement, run_pipeline
from .feeding import FEEDING, MODEL, NAMES, PRECISIONS, TOKENIZER, Feeding
from .graph import PURPOSE
from .quantize import quantize_model
from .reader import OnnxModel
from .source import Source, find_source


def export_onnx(
    nlp: Language,
    path: Path,
    *,
    component: str = "encoder",
    precision: str = "fp32",
    skip: Sequence[str] = (),
    texts: Sequence[str] = SAMPLES,
) -> Feeding:
    """Export a component. The folder is written only if its output is that of the pipeline.

    nlp (Language): Initialised or trained. It is not changed.
    path (Path): The folder: a new one, or an earlier export.
    component (str): Name of a bert_ner, bert_textcat or bert_transformer; "encoder".
    precision (str): "fp32", or "int8": linear maps of the encoder in 8 bits.
    skip (Sequence[str]): Maps that stay in fp32, as in `quantize_model`.
    texts (Sequence[str]): What both are compared on, and a text longer than a window made of them.
    RETURNS (Feeding): What was written to feeding.json.
    RAISES (SettingError): The component cannot be exported.
    RAISES (CheckpointError): The folder holds something else, or the output differs too much.
    RAISES (MissingDependencyError): The extra `onnx` is not installed.
    """
    if precision not in PRECISIONS:
        raise SettingError(Errors.SB721.format(expected=", ".join(PRECISIONS), got=precision))
    onnx = import_optional("onnx", purpose=PURPOSE)
    import_optional("onnxruntime", purpose=PURPOSE)
    path = Path(os.path.realpath(path))
    check_replaceable(path)
    source = find_source(nlp, component)
    model, feeding = build_model(source)
    if precision == "int8":
        model = quantize_model(model, skip=skip)
    onnx.checker.check_model(model, full_check=True)
    feeding = replace(feeding, precision=precision)
    with replace_folder(path) as staged:
        staged.mkdir()
        feeding = _write(staged, model, source, feeding)
        found = compare(source, OnnxModel(staged, threads=1), nlp, texts)
        check_agreement(found, component=source.name, precision=precision)
        measure, side, bound = BOUNDS[precision]
        agreement = {**found, "texts": len(texts) + 1, "bound": f"{measure} {side} {bound:g}"}
        feeding = replace(feeding, agreement=agreement)
        (staged / FEEDING).write_text(feeding.to_json(), encoding="utf8")
    return feeding


def compare(
    source: Source, model: OnnxModel, nlp: Language, texts: Sequence[str]
) -> dict[str, float]:
    """Run texts, an empty one and one longer than a window through both, and compare."""
    n_words = sum(len(text.split()) for text in texts)
    # As many pieces as words at least, so that there are several windows. Sizes stay modest.
    n_repeats = min(source.max_pieces, 600) // max(n_words, 1) + 2
    docs = [nlp.make_doc(text) for text in (*texts, "", " ".join([*texts] * n_repeats))]
    expected = run_pipeline(source, docs)
    rows = [rows for rows in model.predict(docs) if len(rows)]
    got = np.concatenate(rows) if rows else expected[:0]
    return measure_agreement(got, expected)


def check_replaceable(path: Path) -> None:
    """Check that nothing is lost when a folder is replaced.

    RAISES (CheckpointError): It is a file, or holds something that is no part of an export.
    """
    if not path.exists():
        return
    others = sorted(p.name for p in path.iterdir() if p.name not in NAMES) if path.is_dir() else []
    if not path.is_dir() or others:
        got = ", ".join(others[:3]) or "a file"
        raise CheckpointError(Errors.SB714.format(path=path, got=got))


def _write(path: Path, model: Any, source: Source, feeding: Feeding) -> Feeding:
    files = {
        MODEL: model.SerializeToString(),
        TOKENIZER: source.checkpoint.tokenizer.json.encode(),
    }
    for name, data in files.items():
        (path / name).write_bytes(data)
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    feeding = replace(feeding, files=hashes)
    (path / FEEDING).write_text(feeding.to_json(), encoding="utf8")
    return feeding

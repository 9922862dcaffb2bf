"""Every architecture, both heads: in, saved, loaded, out again, with the same logits."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from hub_models import BIO, CATEGORIES, OWN, TEXTS, MakeHub

from spacy_bert_plugin.interop.huggingface import (
    compare_logits,
    export_pipeline,
    import_checkpoint,
)

NAMES = {"tokens": "ner", "texts": "textcat"}
EQUAL = 1e-4


def run_hub(path: Path, ids: list[int], auto: str) -> torch.Tensor:
    import transformers

    model = getattr(transformers, auto).from_pretrained(path).eval()
    with torch.inference_mode():
        logits: torch.Tensor = model(input_ids=torch.tensor([ids])).logits
    return logits


@pytest.mark.parametrize("kind", ["tokens", "texts"])
@pytest.mark.parametrize("model_type", OWN)
def test_logits_are_the_same_in_and_out(
    model_type: str, kind: str, make_hub: MakeHub, tmp_path: Path
) -> None:
    source, out, back = make_hub(model_type, kind), tmp_path / "out", tmp_path / "back"
    report = import_checkpoint(source, out, texts=TEXTS)
    found = report.difference
    assert found is not None
    assert found.n_texts == len(TEXTS)
    assert found.n_rows == (26 if kind == "tokens" else len(TEXTS))
    assert found.largest < EQUAL
    assert found.n_changed == 0

    nlp = spacy.load(out)
    written = export_pipeline(nlp, back)
    assert written.outputs == (BIO if kind == "tokens" else CATEGORIES)
    # What was exported, by the Auto class, against the pipeline it came from.
    again = compare_logits(nlp, NAMES[kind], back, TEXTS)
    assert again.largest < EQUAL
    assert again.n_changed == 0
    tokenizer = open_tokenizer(back)
    ids = tokenizer(TEXTS[0])["input_ids"]
    before, after = (run_hub(p, ids, written.opens_with) for p in (source, back))
    assert torch.allclose(before, after, atol=EQUAL)
    # Logits that do not depend on the text would make all of this easy.
    other = run_hub(source, tokenizer(TEXTS[1])["input_ids"], written.opens_with)
    assert float((before[0, 0] - other[0, 0]).abs().max()) > 10 * EQUAL


def open_tokenizer(path: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(path)


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_both_poolings_of_modernbert(pooling: str, make_hub: MakeHub, tmp_path: Path) -> None:
    source = make_hub("modernbert", "texts", classifier_pooling=pooling, norm_bias=True)
    report = import_checkpoint(source, tmp_path / "out", texts=TEXTS)
    assert report.difference is not None
    assert report.difference.largest < EQUAL
    written = export_pipeline(spacy.load(tmp_path / "out"), tmp_path / "back")
    assert written.architecture == "ModernBertForSequenceClassification"
    again = compare_logits(spacy.load(tmp_path / "out"), "textcat", tmp_path / "back", TEXTS)
    assert again.largest < EQUAL


def test_scores_are_softmax_or_sigmoid_of_logits(make_hub: MakeHub, tmp_path: Path) -> None:
    source = make_hub("roberta", "texts", problem_type="multi_label_classification")
    report = import_checkpoint(source, tmp_path / "out")
    assert report.difference is None
    nlp = spacy.load(tmp_path / "out")
    assert not nlp.get_pipe("textcat").exclusive  # type: ignore[attr-defined]
    ids = open_tokenizer_of(nlp)(TEXTS[1])
    logits = run_hub(source, ids, "AutoModelForSequenceClassification")[0]
    cats = nlp(TEXTS[1]).cats
    assert np.allclose([cats[name] for name in CATEGORIES], logits.sigmoid().numpy(), atol=1e-5)
    import_checkpoint(source, tmp_path / "single", exclusive=True)
    cats = spacy.load(tmp_path / "single")(TEXTS[1]).cats
    assert np.allclose([cats[name] for name in CATEGORIES], logits.softmax(0).numpy(), atol=1e-5)


def open_tokenizer_of(nlp: Any) -> Any:
    from spacy_bert_plugin.layers import get_shim

    tokenizer = get_shim(nlp.get_pipe("transformer").model).checkpoint.tokenizer

    def encode(text: str) -> list[int]:
        inner = tokenizer.encode([text])[0].ids.tolist()
        return [*tokenizer.prefix_ids, *inner, *tokenizer.suffix_ids]

    return encode

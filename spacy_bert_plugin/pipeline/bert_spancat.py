"""The factory `bert_spancat`: spans that may nest and overlap, each with a confidence."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup
from spacy.training import Example, validate_get_examples
from spacy.util import minibatch
from spacy.vocab import Vocab

from ..errors import DataError, Errors, SettingError
from ..heads import (
    contains_spans,
    expected_calibration_error,
    fit_temperature,
    select_spans,
    span_loss,
    split_spans,
)
from ..layers.head import HeadModel, HeadOutput, initialize_head
from ..layers.span_scorer import get_span_scorer
from ..pieces import IntArray
from .gold_spans import GoldSpans, LeftOut, read_spans, survey_spans
from .head_component import N_DIGITS, HeadComponent
from .span_finding import DocSpans, Floats, check_rows, find_spans, to_confidences

# Spans below say nothing about the confidences that users see, and there are very many of them.
LEAST_CALIBRATED = 0.01
N_AT_A_TIME = 64


class BertSpanCategorizer(HeadComponent):
    """Scores every span of up to `max_length` tokens for every label.

    Reads and writes what spaCy's `spancat` does: `doc.spans[spans_key]`, with the confidence of
    each span, in the same order, in `doc.spans[spans_key].attrs["scores"]`. A Doc without that
    group is not learned from; one with an empty group has no spans.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: HeadModel,
        name: str = "bert_spancat",
        *,
        spans_key: str = "sc",
        threshold: float = 0.5,
        max_length: int = 12,
        max_positive: int | None = None,
        allow_overlap: bool = True,
        positive_weight: float = 1.0,
        scorer: Callable[..., dict[str, Any]] | None = None,
    ) -> None:
        is_number = max_positive is None or max_positive >= 1
        for setting, value, expected, is_good in (
            ("spans_key", spans_key, "a name", bool(spans_key)),
            ("threshold", threshold, "from 0.0 to 1.0", 0.0 <= threshold <= 1.0),
            ("max_length", max_length, "at least 1", max_length >= 1),
            ("max_positive", max_positive, "at least 1, or null", is_number),
            ("positive_weight", positive_weight, "above 0.0", positive_weight > 0.0),
        ):
            if not is_good:
                raise SettingError(Errors.SB002.format(name=setting, expected=expected, got=value))
        super().__init__(vocab, model, name, temperature=1.0)
        self.spans_key, self.threshold, self.max_length = spans_key, threshold, max_length
        self.max_positive, self.allow_overlap = max_positive, allow_overlap
        self.positive_weight, self.scorer = positive_weight, scorer

    @property
    def key(self) -> str:
        """Where spans are read and written, as spaCy's `spancat` calls it."""
        return self.spans_key

    # Prediction

    def predict(self, docs: Iterable[Doc]) -> list[DocSpans]:
        """Find spans without changing the Docs."""
        docs = list(docs)
        temperature = self.cfg["temperature"]
        found = find_spans(
            self.model, docs, name=self.name, least=self.threshold, temperature=temperature
        )
        spans, confidences = self._choose(*found, temperature=temperature)
        parts = split_spans(spans, confidences, [len(doc) for doc in docs])
        return [DocSpans(*part) for part in parts]

    def _choose(
        self, spans: IntArray, logits: Floats, *, temperature: float
    ) -> tuple[IntArray, Floats]:
        """Those of the spans that the settings ask for, with their confidences."""
        confidences = to_confidences(logits, temperature=temperature)
        index = np.flatnonzero(confidences >= self.threshold)
        kept = select_spans(
            spans[index],
            confidences[index],
            max_labels=self.max_positive,
            allow_overlap=self.allow_overlap,
        )
        return spans[index[kept]], confidences[index[kept]]

    def set_annotations(self, docs: Iterable[Doc], predictions: Sequence[DocSpans]) -> None:
        """Write spans and their confidences to the Docs."""
        labels = [self.vocab.strings.add(label) for label in self.labels]
        for doc, found in zip(docs, predictions, strict=True):
            spans = [
                Span(doc, start, end, label=labels[label])
                for start, end, label in found.spans.tolist()
            ]
            attrs = {"scores": found.confidences}
            doc.spans[self.spans_key] = SpanGroup(
                doc, name=self.spans_key, attrs=attrs, spans=spans
            )

    # Training

    def check_output(self, docs: Sequence[Doc], output: HeadOutput) -> None:
        """RAISES (DataError): The `tok2vec` does not give one vector a token."""
        check_rows(docs, output, name=self.name)

    def get_loss(self, examples: Iterable[Example], scores: HeadOutput) -> torch.Tensor:
        """Loss of a batch, with its graph. Shape: ()"""
        gold = self._read(list(examples))
        self._warn_of(gold.left_out)
        if not gold.is_known.any():
            return torch.zeros(())  # no graph, no gradients: nor do the weights decay
        device = scores.output.logits.device
        return span_loss(
            scores.output,
            torch.from_numpy(gold.spans).to(device),
            torch.from_numpy(gold.is_known).to(device),
            positive_weight=self.positive_weight,
        )

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: list[str] | None = None,
    ) -> None:
        """Collect the labels and make the weights of the head.

        labels (list[str]): All labels; None: those of the examples.
        RAISES (DataError): There are none.
        """
        validate_get_examples(get_examples, "BertSpanCategorizer.initialize")
        survey = survey_spans(get_examples(), self.key, max_length=self.max_length)
        for label in survey.labels if labels is None else labels:
            self.add_label(label)
        if not self.labels:
            raise DataError(Errors.SB374.format(name=self.name, key=self.key))
        sizes = {"n_labels": len(self.labels), "max_length": self.max_length}
        initialize_head(self.model, survey.samples, **sizes)
        self._warned = set()
        self._warn_of(survey.left_out)

    def _read(self, examples: Sequence[Example]) -> GoldSpans:
        longest = get_span_scorer(self.model).max_length
        return read_spans(examples, self.key, self.labels, max_length=longest)

    def _warn_of(self, left_out: LeftOut) -> None:
        """Say once what cannot be learned from."""
        messages = left_out.describe(
            name=self.name, key=self.key, max_length=self.max_length, labels=self.labels
        )
        for kind, message in messages.items():
            self.warn_once(kind, message)

    # Scores and confidence

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """Score the spans under `spans_key`, by default as spaCy's `spancat` does."""
        if self.scorer is None:
            return {}
        return self.scorer(examples, **{"spans_key": self.key, **kwargs})

    def fit_calibration(self, examples: Iterable[Example]) -> dict[str, float]:
        """Fit confidences to how often spans are right.

        examples (Iterable[Example]): Annotated, predicted Docs processed by what comes before
            this component; not those that it was trained on.
        RETURNS (dict): "temperature", and "ece_before" and "ece_after", the expected calibration
            errors of the spans found in these examples. Nothing where there is nothing to fit.
        """
        annotated = (example for example in examples if self.key in example.reference.spans)
        spans, logits, gold = self._collect(annotated)
        if not len(spans):
            return {}
        before = float(self.cfg["temperature"])
        is_right = contains_spans(gold, spans)
        after = fit_temperature(logits, is_right.astype(np.float32), kind="sigmoid")
        self.cfg["temperature"] = after = round(after, N_DIGITS)
        report = {"temperature": after}
        for name, temperature in (("ece_before", before), ("ece_after", after)):
            chosen, confidences = self._choose(spans, logits, temperature=temperature)
            is_right = contains_spans(gold, chosen)
            report[name] = expected_calibration_error(confidences, is_right)
        return report

    def _collect(self, examples: Iterable[Example]) -> tuple[IntArray, Floats, IntArray]:
        """Likely spans, their logits, and annotated spans, in tokens counted over all Docs."""
        none = np.zeros((0, 3), dtype=np.int64)
        spans, gold = [none], [none]
        logits: list[Floats] = [np.zeros(0, dtype=np.float32)]
        offset = 0
        for batch in minibatch(examples, size=N_AT_A_TIME):
            docs = [example.predicted for example in batch]
            found, scores = find_spans(self.model, docs, name=self.name, least=LEAST_CALIBRATED)
            shift = np.array([offset, offset, 0])
            spans.append(found + shift)
            logits.append(scores)
            gold.append(self._read(batch).spans + shift)
            offset += sum(map(len, docs))
        return np.concatenate(spans), np.concatenate(logits), np.concatenate(gold)

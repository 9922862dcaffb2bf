"""The factory `bert_textcat`: categories of texts, each with a calibrated score."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example, validate_get_examples
from spacy.util import minibatch
from spacy.vocab import Vocab
from torch import Tensor

from ..errors import Errors
from ..heads import binary_cross_entropy, cross_entropy, fit_text_temperature, to_probabilities
from ..heads import tune_thresholds as find_thresholds
from ..layers.head import HeadModel, HeadOutput, initialize_head
from ..util.pairs import check_pairs
from .gold_texts import balance_weights, check_categories, count_labels, read_answers, read_classes
from .head_component import N_DIGITS, HeadComponent
from .text_scoring import score_texts
from .text_settings import BALANCED, check_labels, check_settings

N_SAMPLES = 10
# Examples that are looked at where the labels are given: the data may be long.
N_CHECKED = 100
BATCH_SIZE = 256
Floats = npt.NDArray[np.float32]


class BertTextcat(HeadComponent):
    """Scores the categories of texts: exactly one holds, or any number of them.

    Scores go to `doc.cats`. They are probabilities: softmax or sigmoid of what the head gives,
    over a temperature that `fit_calibration` finds.
    """

    has_thresholds = True

    def __init__(
        self,
        vocab: Vocab,
        model: HeadModel,
        name: str = "bert_textcat",
        *,
        exclusive: bool = True,
        threshold: float = 0.5,
        class_weights: dict[str, float] | str | None = None,
        focal_gamma: float = 0.0,
        label_smoothing: float = 0.0,
        require_pairs: bool = False,
        scorer: Callable[..., dict[str, Any]] | None = None,
    ) -> None:
        check_settings(
            threshold=threshold,
            class_weights=class_weights,
            focal_gamma=focal_gamma,
            label_smoothing=label_smoothing,
        )
        super().__init__(
            vocab,
            model,
            name,
            positive_label=None,
            temperature=1.0,
            thresholds={},
            class_weights=dict(class_weights) if isinstance(class_weights, dict) else {},
        )
        self.exclusive, self.threshold = exclusive, threshold
        self.class_weights = class_weights
        self.focal_gamma, self.label_smoothing = focal_gamma, label_smoothing
        self.require_pairs, self.scorer = require_pairs, scorer

    @property
    def temperature(self) -> float:
        """What the scores before softmax or sigmoid are divided by."""
        return float(self.cfg["temperature"])

    @property
    def thresholds(self) -> dict[str, float]:
        """Score from which on each label holds, where labels are not exclusive."""
        return {label: self.cfg["thresholds"].get(label, self.threshold) for label in self.labels}

    # Prediction

    def predict(self, docs: Iterable[Doc]) -> Floats:
        """Score Docs without changing them. Shape: (n_docs, n_labels)

        RAISES (DataError): A Doc is no pair, and pairs are required.
        """
        docs = list(docs)
        if not docs:
            return np.zeros((0, len(self.labels)), dtype=np.float32)
        if self.require_pairs:
            check_pairs(docs, name=self.name)
        return self._score(self.model.predict(docs).output)

    def _score(self, logits: Tensor) -> Floats:
        """Turn what the head gives into probabilities. Shape: (n_docs, n_labels)"""
        return to_probabilities(logits, temperature=self.temperature, exclusive=self.exclusive)

    def set_annotations(self, docs: Iterable[Doc], scores: Floats) -> None:
        """Write the scores to `doc.cats`."""
        for doc, row in zip(docs, scores.tolist(), strict=True):
            doc.cats.update(zip(self.labels, row, strict=True))

    # Training

    def get_loss(self, examples: Iterable[Example], scores: HeadOutput) -> Tensor:
        """Compute the loss of a batch, with its graph. Shape: ()

        RAISES (DataError): The annotation cannot be used.
        """
        examples, logits = list(examples), scores.output
        if self.require_pairs:
            check_pairs([example.predicted for example in examples], name=self.name)
        for example in examples:
            check_categories(example.reference.cats, name=self.name, exclusive=self.exclusive)
        self._warn_of_unknown(examples)
        weights = self.cfg["class_weights"]
        options: dict[str, Any] = {
            "class_weights": logits.new_tensor([weights.get(label, 1.0) for label in self.labels])
            if weights
            else None,
            "label_smoothing": self.label_smoothing,
            "focal_gamma": self.focal_gamma,
        }
        if self.exclusive:
            classes = torch.from_numpy(read_classes(examples, self.labels)).to(logits.device)
            return cross_entropy(logits, classes, **options)
        answers = torch.from_numpy(read_answers(examples, self.labels)).to(logits.device)
        mask = ~answers.isnan()
        return binary_cross_entropy(logits, answers.nan_to_num(), mask=mask, **options)

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: list[str] | None = None,
        positive_label: str | None = None,
    ) -> None:
        """Collect the labels and make the weights of the head.

        labels (list[str]): All labels; None: those of the examples.
        positive_label (str): Of two exclusive labels the one whose F score counts.
        RAISES (SettingError): There are too few labels, or settings that do not fit them.
        RAISES (DataError): The annotation cannot be used.
        """
        validate_get_examples(get_examples, "BertTextcat.initialize")
        examples = get_examples()
        if labels is not None and self.class_weights != BALANCED:
            examples = islice(examples, N_CHECKED)
        counts = count_labels(examples, name=self.name, exclusive=self.exclusive)
        for label in counts.labels if labels is None else labels:
            self.add_label(label)
        if self.class_weights == BALANCED:
            self.cfg["class_weights"] = balance_weights(counts, exclusive=self.exclusive)
        self.cfg.update(positive_label=positive_label, temperature=1.0, thresholds={})
        check_labels(self.name, exclusive=self.exclusive, **self.cfg)
        if not self.exclusive and counts.labels and not any(counts.negative.values()):
            warnings.warn(Errors.SB388.format(name=self.name), stacklevel=2)
        samples = [example.reference for example in islice(get_examples(), N_SAMPLES)]
        initialize_head(self.model, samples, n_labels=len(self.labels))

    def _warn_of_unknown(self, examples: Sequence[Example]) -> None:
        known = {*self.labels, *self._warned}
        new = sorted({label for e in examples for label in e.reference.cats} - known)
        if new:
            self._warned.update(new)
            warnings.warn(
                Errors.SB387.format(name=self.name, labels=new, known=list(self.labels)),
                stacklevel=4,
            )

    # Scores

    def score(self, examples: Iterable[Example], **settings: Any) -> dict[str, Any]:
        """Score predictions as spaCy's textcat or textcat_multilabel does.

        settings: As in `Scorer.score_cats`; `threshold` overrides those of the component.
        """
        if self.scorer is not None:
            scores: dict[str, Any] = super().score(
                examples, **{"threshold": self.threshold, **settings}
            )
            return scores
        options = {
            "labels": self.labels,
            "exclusive": self.exclusive,
            "positive_label": self.cfg["positive_label"],
            "thresholds": self.thresholds,
        }
        return score_texts(examples, **{**settings, **options})

    def fit_calibration(
        self, examples: Iterable[Example], *, tune_thresholds: bool = False
    ) -> dict[str, float]:
        """Fit the temperature, so that scores say how often they are right.

        examples (Iterable[Example]): Annotated, predicted Docs processed by what comes before
            this component; not those that it was trained on.
        tune_thresholds (bool): Whether to find the threshold of each label with the best F score
            as well, where labels are not exclusive.
        RETURNS (dict): "temperature", and "ece_before" and "ece_after" over these examples;
            nothing where there are none.
        """
        logits, gold = self._collect(examples)
        report = fit_text_temperature(
            logits, gold, temperature=self.temperature, exclusive=self.exclusive
        )
        # Rounded as what is saved will be, so that a loaded pipeline gives the same scores.
        self.cfg["temperature"] = round(report.get("temperature", self.temperature), N_DIGITS)
        if tune_thresholds and report and not self.exclusive:
            found = find_thresholds(self._score(logits), gold, default=self.threshold)
            cuts = [round(cut, N_DIGITS) for cut in found.tolist()]
            self.cfg["thresholds"] = dict(zip(self.labels, cuts, strict=True))
        return report

    def _collect(self, examples: Iterable[Example]) -> tuple[Tensor, npt.NDArray[Any]]:
        read = read_classes if self.exclusive else read_answers
        logits, gold = [torch.zeros(0, len(self.labels))], [read([], self.labels)]
        for batch in minibatch(examples, size=BATCH_SIZE):
            docs = [example.predicted for example in batch]
            logits.append(self.model.predict(docs).output.float().cpu())
            gold.append(read(batch, self.labels))
        return torch.cat(logits), np.concatenate(gold)

"""The factory `bert_regressor`: numbers for texts and for pairs of texts."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example, validate_get_examples
from spacy.vocab import Vocab
from torch import Tensor

from ..errors import DataError, Errors, SettingError
from ..heads.regression import (
    LOSSES,
    measure_targets,
    regression_loss,
    restore,
    standardize,
    to_gold,
    to_host,
)
from ..layers.head import HeadModel, HeadOutput, initialize_head
from ..util.pairs import check_pairs
from .gold_numbers import find_targets, read_numbers
from .head_component import N_DIGITS, HeadComponent

N_SAMPLES = 10
MEASURES = ("means", "scales", "least", "largest")
FAR = 1e30  # JSON has no infinity
Floats = npt.NDArray[np.float64]


class BertRegressor(HeadComponent):
    """Gives each text a number for each target: how related two texts are, how hard one is to read.

    Numbers go to `doc.cats`, under the names of the targets, and gold numbers are read from there.
    The head learns in standard deviations from the mean, which are found when it is initialised.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: HeadModel,
        name: str = "bert_regressor",
        *,
        loss: str = "mse",
        clip: bool = True,
        require_pairs: bool = False,
        scorer: Callable[..., dict[str, Any]] | None = None,
    ) -> None:
        if loss not in LOSSES:
            expected = f"one of {', '.join(LOSSES)}"
            raise SettingError(Errors.SB002.format(name="loss", expected=expected, got=loss))
        super().__init__(vocab, model, name, **{measure: {} for measure in MEASURES})
        self.loss, self.clip, self.require_pairs = loss, clip, require_pairs
        self.scorer = scorer

    # Prediction

    def predict(self, docs: Iterable[Doc]) -> Floats:
        """Give Docs numbers without changing them. Shape: (n_docs, n_targets)

        RAISES (DataError): A Doc is no pair, and pairs are required.
        """
        docs = list(docs)
        if not docs:
            return np.zeros((0, len(self.labels)))
        self._check_docs(docs)
        means, scales, least, largest = self._read_measures()
        numbers = restore(to_host(self.model.predict(docs).output), means, scales)
        return np.clip(numbers, least, largest) if self.clip else numbers

    def set_annotations(self, docs: Iterable[Doc], numbers: Floats) -> None:
        """Write the numbers to `doc.cats`."""
        for doc, row in zip(docs, numbers.tolist(), strict=True):
            doc.cats.update(zip(self.labels, row, strict=True))

    def _read_measures(self) -> list[Floats]:
        """Measures of all targets, in their order. Shape: (n_targets,) each"""
        return [
            np.array([self.cfg[name][label] for label in self.labels], dtype=np.float64)
            for name in MEASURES
        ]

    def _check_docs(self, docs: Iterable[Doc]) -> None:
        if self.require_pairs:
            check_pairs(docs, name=self.name)

    # Training

    def add_label(self, label: str) -> int:
        """Add a target. Until it is initialised its numbers are taken as they are.

        RETURNS (int): 1, or 0 if it was there already.
        """
        is_new = super().add_label(label)
        for name, value in zip(MEASURES, (0.0, 1.0, -FAR, FAR), strict=True):
            self.cfg[name] = {label: value, **self.cfg[name]}
        return is_new

    def get_loss(self, examples: Iterable[Example], scores: HeadOutput) -> Tensor:
        """Compute the loss of a batch, with its graph. Shape: ()

        RAISES (DataError): A number is not finite, or a Doc is no pair and pairs are required.
        """
        examples = list(examples)
        self._check_docs(example.predicted for example in examples)
        means, scales, _, _ = self._read_measures()
        gold = standardize(read_numbers(examples, self.labels, name=self.name), means, scales)
        return regression_loss(scores.output, to_gold(gold, scores.output), loss=self.loss)

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: list[str] | None = None,
    ) -> None:
        """Collect the targets, measure their numbers and make the weights of the head.

        labels (list[str]): All targets; None: those of the examples.
        RAISES (SettingError): There is no target.
        RAISES (DataError): A number is not finite, or a target has none at all.
        """
        validate_get_examples(get_examples, "BertRegressor.initialize")
        examples = list(get_examples())
        for label in labels or find_targets(examples):
            self.add_label(label)
        if not self.labels:
            raise SettingError(Errors.SB861.format(name=self.name))
        numbers = read_numbers(examples, self.labels, name=self.name)
        self._check_known(numbers)
        for name, values in zip(MEASURES, measure_targets(numbers), strict=True):
            rounded = [round(value, N_DIGITS) for value in values.tolist()]
            self.cfg[name] = dict(zip(self.labels, rounded, strict=True))
        samples = [example.reference for example in islice(examples, N_SAMPLES)]
        initialize_head(self.model, samples, n_labels=len(self.labels))

    def _check_known(self, numbers: Floats) -> None:
        unknown = [
            label
            for label, column in zip(self.labels, numbers.T, strict=True)
            if np.isnan(column).all()
        ]
        if unknown:
            raise DataError(Errors.SB862.format(name=self.name, targets=unknown))

    @property
    def targets(self) -> Sequence[str]:
        """Names of the numbers, in the order of the scores: another name for `labels`."""
        return self.labels

"""The factory `bert_qa`: the answer to a question, found in its context."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup
from spacy.training import Example, validate_get_examples
from spacy.vocab import Vocab

from ..errors import DataError, Errors, SettingError
from ..heads.answers import AnswerScores, answer_loss
from ..layers.answer_finder import get_answer_finder
from ..layers.head import HeadModel, HeadOutput, initialize_head
from ..util.pairs import check_sides, read_pair
from .answer_calibration import collect_answers, fit_answers, tune_no_answer
from .answer_decoding import AnswerDecoder, DocAnswers
from .answer_scoring import ANSWERS_KEY
from .bert_ner import EXTENSION, install_confidence
from .gold_answers import GOLD_KEY, AnswerCounts, read_gold, survey_answers
from .head_component import N_DIGITS, HeadComponent

FITTED = {"temperature": 1.0, "slope": 1.0, "shift": 0.0, "threshold": None}


class BertQA(HeadComponent):
    """Finds in the second text of a Doc what answers the question that is its first.

    Answers go to `doc.spans["answers"]`, the best first, none where the question seems to have
    none. `doc.spans["answers"].attrs["scores"]` has the confidence of each: how likely it is that
    exactly these tokens are right. `span._.confidence` has it too, unless `bert_ner` found an
    entity in the same place, whose confidence that is then.
    """

    has_thresholds = True

    def __init__(
        self,
        vocab: Vocab,
        model: HeadModel,
        name: str = "bert_qa",
        *,
        top_k: int = 1,
        max_answer_tokens: int = 30,
        threshold: float = 0.0,
        no_answer: bool | None = None,
        allow_overlap: bool = False,
        require_pairs: bool = True,
        scorer: Callable[..., dict[str, Any]] | None = None,
    ) -> None:
        for setting, value in (("top_k", top_k), ("max_answer_tokens", max_answer_tokens)):
            if not isinstance(value, int) or value < 1:
                expected = "a whole number of at least 1"
                raise SettingError(Errors.SB002.format(name=setting, expected=expected, got=value))
        if not np.isfinite(threshold):
            raise SettingError(
                Errors.SB002.format(name="threshold", expected="a finite number", got=threshold)
            )
        super().__init__(vocab, model, name, **FITTED)
        self.top_k, self.max_answer_tokens, self.threshold = top_k, max_answer_tokens, threshold
        self.no_answer, self.allow_overlap = no_answer, allow_overlap
        self.require_pairs, self.scorer = require_pairs, scorer
        install_confidence()

    def add_label(self, label: str) -> int:
        """RAISES (SettingError): Answers have no labels."""
        raise SettingError(Errors.SB874.format(name=self.name, label=label))

    @property
    def decoder(self) -> AnswerDecoder:
        """What makes answers of scores, as the settings and calibration ask for."""
        threshold = self.cfg["threshold"]
        return AnswerDecoder(
            top_k=self.top_k,
            max_tokens=self.max_answer_tokens,
            allow_overlap=self.allow_overlap,
            threshold=self.threshold if threshold is None else threshold,
            confidence={name: self.cfg[name] for name in ("temperature", "slope", "shift")},
        )

    # Prediction

    def predict(self, docs: Iterable[Doc]) -> list[DocAnswers | None]:
        """Find answers without changing the Docs. None for a Doc that is no pair."""
        docs = list(docs)
        is_pair = [read_pair(doc) is not None for doc in docs]
        for number, doc in enumerate(docs):
            if self.require_pairs and len(doc) and not is_pair[number]:
                raise DataError(
                    Errors.SB870.format(name=self.name, number=number, n_tokens=len(doc))
                )
        if not any(is_pair):
            return [None] * len(docs)
        found = self.decoder.decode(self._score(docs))
        return [one if known else None for one, known in zip(found, is_pair, strict=True)]

    def _score(self, docs: Sequence[Doc]) -> AnswerScores:
        output = self.model.predict(list(docs)).output
        nothing = None if output.nothing is None else output.nothing.float().cpu()
        return AnswerScores(output.borders.float().cpu(), nothing, output.lengths)

    def set_annotations(
        self, docs: Iterable[Doc], predictions: Sequence[DocAnswers | None]
    ) -> None:
        """Write answers and their confidences to the Docs."""
        install_confidence()  # an unpickled component may be the first of its process
        for doc, found in zip(docs, predictions, strict=True):
            if found is None:
                continue
            spans = [Span(doc, start, end) for start, end in found.spans.tolist()]
            attrs: dict[str, Any] = {"scores": found.confidences}
            if found.no_answer is not None:
                attrs["no_answer"] = found.no_answer
                attrs["margin"] = found.margin
            doc.spans[ANSWERS_KEY] = SpanGroup(doc, name=ANSWERS_KEY, attrs=attrs, spans=spans)
            # Attributes of spans belong to their place, so those of an entity are left alone.
            taken = {(ent.start, ent.end) for ent in doc.ents if ent._.get(EXTENSION) is not None}
            for span, confidence in zip(spans, found.confidences.tolist(), strict=True):
                if (span.start, span.end) not in taken:
                    span._.set(EXTENSION, confidence)

    # Training

    def get_loss(self, examples: Iterable[Example], scores: HeadOutput) -> torch.Tensor:
        """Loss of a batch, with its graph. Shape: ()"""
        examples, counts = list(examples), AnswerCounts()
        check_sides(examples)
        gold = read_gold(examples, counts, max_tokens=self.max_answer_tokens)
        self._warn_of(counts, can_be_nothing=scores.output.nothing is not None)
        return answer_loss(scores.output, gold)

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
    ) -> None:
        """Look at the questions and make the weights of the head.

        RAISES (DataError): There are none, and `require_pairs` is set.
        """
        validate_get_examples(get_examples, "BertQA.initialize")
        survey = survey_answers(get_examples(), max_tokens=self.max_answer_tokens)
        if self.require_pairs and not survey.counts.n_questions:
            raise DataError(Errors.SB871.format(name=self.name, key=GOLD_KEY))
        use_no_answer = self.no_answer
        if use_no_answer is None:
            use_no_answer = survey.counts.n_unanswerable > 0
        initialize_head(self.model, survey.samples, use_no_answer=use_no_answer)
        self._warned = set()
        self._warn_of(survey.counts, can_be_nothing=use_no_answer)
        # What was fitted was fitted to other weights.
        self.cfg.update(FITTED)

    def _warn_of(self, counts: AnswerCounts, *, can_be_nothing: bool) -> None:
        """Say once what cannot be learned from, or not be found."""
        if counts.n_lost:
            n_lost = counts.n_lost
            message = Errors.SB872.format(name=self.name, n_answers=n_lost, key=GOLD_KEY)
            self.warn_once("lost", message)
        if counts.n_unanswerable and not can_be_nothing:
            self.warn_once("nothing", Errors.SB873.format(name=self.name))
        if counts.n_long:
            message = Errors.SB875.format(
                name=self.name,
                max_tokens=self.max_answer_tokens,
                n_long=counts.n_long,
                n_answers=counts.n_answers,
                longest=counts.longest,
            )
            self.warn_once("long", message)

    # Scores and confidence

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """Score answers, by default as the evaluation of SQuAD does."""
        return {} if self.scorer is None else self.scorer(examples, **kwargs)

    def fit_calibration(
        self, examples: Iterable[Example], *, tune_thresholds: bool = False
    ) -> dict[str, float]:
        """Fit confidences to how often answers are right.

        examples (Iterable[Example]): Annotated, predicted Docs processed by what comes before
            this component; not those that it was trained on.
        tune_thresholds (bool): Whether to find when best to give no answer as well, where there
            are questions with and without one.
        RETURNS (dict): "ece_before" and "ece_after", over these examples, and what was fitted.
        """
        collected = collect_answers(examples, self._score, max_tokens=self.max_answer_tokens)
        report = fit_answers(collected)
        fitted = {key: round(report[key], N_DIGITS) for key in FITTED if key in report}
        self.cfg.update(fitted)
        if tune_thresholds and get_answer_finder(self.model).no_answer is not None:
            threshold = tune_no_answer(collected, default=self.threshold)
            if threshold is not None:
                self.cfg["threshold"] = report["threshold"] = round(threshold, N_DIGITS)
        return report

"""The factory `bert_ner`: named entities by tags of tokens, each with a confidence."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example, validate_get_examples
from spacy.util import minibatch
from spacy.vocab import Vocab

from ..errors import DataError, Errors, SettingError
from ..heads import BiluoScheme, TokenClassifier
from ..heads.confidence import Confidence, fit_confidence, tune_outside
from ..heads.partial import MISSING
from ..heads.split import shift_outside
from ..heads.token_loss import tag_loss
from ..layers.head import HeadModel, HeadOutput, get_head, initialize_head
from ..pieces import IntArray
from .entity_decoding import DocEntities, EntityDecoder
from .gold_entities import find_annotated, list_entity_labels, read_tags
from .head_component import N_DIGITS, HeadComponent

EXTENSION = "confidence"
N_SAMPLES = 10
# Examples that are looked at for entities which the tokenizer cuts.
N_CHECKED = 200
BATCH_SIZE = 256


class BertNer(HeadComponent):
    """Scores the tags of every token and takes the best legal sequence of them.

    Entities go to `doc.ents`; `span._.confidence` is the probability that the entity is right:
    exactly these tokens with this label. Entities that a Doc has already are kept, and so are
    tokens that are blocked from being entities.
    """

    has_thresholds = True

    def __init__(
        self,
        vocab: Vocab,
        model: HeadModel,
        name: str = "bert_ner",
        *,
        threshold: float = 0.0,
        label_smoothing: float = 0.0,
        class_weights: dict[str, float] | None = None,
        spans_key: str | None = None,
        min_candidate: float = 0.05,
        scorer: Callable[..., dict[str, Any]] | None = None,
    ) -> None:
        check_share("threshold", threshold)
        check_share("label_smoothing", label_smoothing)
        check_weights(class_weights or {})
        if not 0.0 < min_candidate <= 1.0:
            raise SettingError(
                Errors.SB002.format(
                    name="min_candidate", expected="above 0.0 and at most 1.0", got=min_candidate
                )
            )
        if model.attrs.get("use_crf") and (label_smoothing or class_weights):
            raise SettingError(Errors.SB521.format(name=name))
        super().__init__(vocab, model, name, confidence={}, outside_bias=0.0)
        self.cfg["labels"] = list(self.fixed_labels)
        self.threshold, self.label_smoothing = threshold, label_smoothing
        self.class_weights = dict(class_weights or {})
        self.spans_key, self.min_candidate = spans_key, min_candidate
        self.scorer = scorer
        install_confidence()

    @property
    def fixed_labels(self) -> tuple[str, ...]:
        """Labels of a model whose outputs have names; none where labels are free."""
        found: tuple[str, ...] = self.model.attrs.get("fixed_labels", ())
        return found

    def add_label(self, label: str) -> int:
        """Add a label, as all heads do. RAISES (SettingError): The labels are fixed."""
        if self.fixed_labels and label not in self.fixed_labels:
            raise SettingError(
                Errors.SB742.format(name=self.name, labels=list(self.labels), label=label)
            )
        return super().add_label(label)

    @property
    def scheme(self) -> BiluoScheme:
        """The tags of the labels."""
        return BiluoScheme(self.labels)

    @property
    def confidence(self) -> Confidence:
        """How probabilities of the model become confidences."""
        return Confidence(**self.cfg["confidence"])

    # Prediction

    def predict(self, docs: Iterable[Doc]) -> list[DocEntities]:
        """Find entities without changing the Docs."""
        docs = list(docs)
        nothing = np.zeros((0, 3), dtype=np.int64), np.zeros(0)
        empty = DocEntities(*nothing, *(nothing if self.spans_key is not None else ()))
        if not self.labels or not any(len(doc) for doc in docs):
            return [empty for _ in docs]
        output = self.model.predict(docs)
        with torch.inference_mode():
            return self._decode(output)

    def _decode(self, output: HeadOutput) -> list[DocEntities]:
        decoder = EntityDecoder(
            self.scheme,
            self._head().transitions,
            self.confidence,
            self.cfg["outside_bias"],
            None if self.spans_key is None else self.min_candidate,
        )
        return decoder.decode(output.output, output.lengths)

    def set_annotations(self, docs: Iterable[Doc], predictions: Sequence[DocEntities]) -> None:
        """Write entities and their confidence to the Docs."""
        install_confidence()  # an unpickled component may be the first of its process
        labels = [self.vocab.strings.add(label) for label in self.labels]
        for doc, found in zip(docs, predictions, strict=True):
            is_sure = found.confidences >= self.threshold
            rows = zip(found.spans[is_sure].tolist(), found.confidences[is_sure], strict=True)
            spans: list[Span] = []
            kept, blocked = find_annotated(doc)
            taken = [(span.start, span.end) for span in (*kept, *blocked)]
            for (start, end, label), confidence in rows:
                if any(begin < end and start < stop for begin, stop in taken):
                    continue
                span = Span(doc, start, end, label=labels[label])
                span._.set(EXTENSION, float(confidence))
                spans.append(span)
            doc.set_ents([*kept, *spans], blocked=blocked, default="outside")
            if self.spans_key is not None and found.candidates is not None:
                group = [
                    Span(doc, start, end, label=labels[label])
                    for start, end, label in found.candidates.tolist()
                ]
                doc.spans[self.spans_key] = group
                doc.spans[self.spans_key].attrs["scores"] = found.candidate_confidences

    # Training

    def get_loss(self, examples: Iterable[Example], scores: HeadOutput) -> torch.Tensor:
        """Loss of a batch, with its graph. Shape: ()"""
        tags, unknown = read_tags(list(examples), self.scheme)
        for label in unknown:
            known = list(self.labels)
            self.warn_once(label, Errors.SB519.format(name=self.name, label=label, known=known))
        head, output = self._head(), scores.output
        if (tags == MISSING).all():
            return torch.zeros(())  # no graph, no gradients: nor do the weights decay
        targets = torch.from_numpy(tags).to(output.device)
        weights = self._tag_weights(output)
        if head.raw is not None:
            output, targets, weights = head.raw.fold(output, targets, weights)
        return tag_loss(
            output,
            targets,
            scores.lengths,
            transitions=head.learned_transitions,
            weights=weights,
            label_smoothing=self.label_smoothing,
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
        validate_get_examples(get_examples, "BertNer.initialize")
        if labels is None and not self.fixed_labels:
            labels = list_entity_labels([example.reference for example in get_examples()])
        for label in labels or ():
            self.add_label(label)
        if not self.labels:
            raise DataError(Errors.SB517.format(name=self.name))
        unknown = sorted(set(self.class_weights) - {*self.labels, "O"})
        if unknown:
            raise SettingError(
                Errors.SB518.format(name=self.name, unknown=unknown, labels=[*self.labels, "O"])
            )
        checked = list(islice(get_examples(), N_CHECKED))
        self._warn_of_misaligned(checked)
        samples = [example.reference for example in checked[:N_SAMPLES]]
        initialize_head(self.model, samples, n_labels=len(self.labels))
        # What was fitted was fitted to other weights.
        self.cfg.update(confidence={}, outside_bias=0.0)

    def _warn_of_misaligned(self, examples: Sequence[Example]) -> None:
        """Say so if the tokenizer of the pipeline cuts words where entities do not."""
        tags, _ = read_tags(examples, self.scheme)
        lengths = [len(example.predicted) for example in examples]
        n_annotated = sum(len(example.reference.ents) for example in examples)
        n_lost = n_annotated - len(self.scheme.decode(tags, lengths))
        if n_lost > 0:
            counts = {"n_lost": n_lost, "n_annotated": n_annotated, "n_examples": len(examples)}
            self.warn_once("misaligned", Errors.SB522.format(name=self.name, **counts))

    # Confidence

    def fit_calibration(
        self, examples: Iterable[Example], *, tune_thresholds: bool = False
    ) -> dict[str, float]:
        """Fit confidences to how often entities are right.

        examples (Iterable[Example]): Annotated, predicted Docs processed by what comes before
            this component; not those that it was trained on.
        tune_thresholds (bool): Whether to find how willing to be, for the best F score, as well.
        RETURNS (dict): "ece_before" and "ece_after", over these examples, and what was fitted.
        """
        if not self.labels:
            return {}
        scores, lengths, gold = self._collect(examples)
        known = (self._head().transitions, gold, self.scheme)
        with torch.inference_mode():
            if tune_thresholds:
                self.cfg["outside_bias"] = tune_outside(scores, lengths, *known)
            bias = self.cfg["outside_bias"]
            fitted, report = fit_confidence(shift_outside(scores, bias), lengths, *known)
        self.cfg["confidence"] = {n: round(v, N_DIGITS) for n, v in fitted.to_dict().items()}
        return {**report, "outside_bias": bias}

    def _collect(self, examples: Iterable[Example]) -> tuple[torch.Tensor, list[int], IntArray]:
        """Scores of tags, tokens of each Doc, and annotated tags, of all examples."""
        like = next(self._head().parameters())
        scores = [like.new_zeros(0, self.scheme.n_tags)]
        gold: list[IntArray] = [np.zeros(0, dtype=np.int64)]
        lengths: list[int] = []
        for batch in minibatch(examples, size=BATCH_SIZE):
            output = self.model.predict([example.predicted for example in batch])
            scores.append(output.output)
            lengths += output.lengths
            gold.append(read_tags(batch, self.scheme)[0])
        return torch.cat(scores), lengths, np.concatenate(gold)

    def _head(self) -> TokenClassifier:
        head: TokenClassifier = get_head(self.model)  # type: ignore[assignment]
        return head

    def _tag_weights(self, like: torch.Tensor) -> torch.Tensor | None:
        if not self.class_weights:
            return None
        weights = [self.class_weights.get(label, 1.0) for label in self.labels]
        outside = self.class_weights.get("O", 1.0)
        return like.new_tensor([outside, *np.repeat(weights, 4).tolist()])


def install_confidence() -> None:
    """Give spans the attribute `span._.confidence`, None where nothing has set it."""
    if not Span.has_extension(EXTENSION):
        Span.set_extension(EXTENSION, default=None)


def check_share(name: str, value: Any) -> None:
    """RAISES (SettingError): It is not a number from 0.0 to 1.0."""
    if not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
        raise SettingError(Errors.SB002.format(name=name, expected="from 0.0 to 1.0", got=value))


def check_weights(weights: dict[str, float]) -> None:
    """RAISES (SettingError): One is below 0."""
    wrong = [label for label, weight in weights.items() if not weight >= 0.0]
    if wrong:
        raise SettingError(
            Errors.SB002.format(name="class_weights", expected="at least 0.0", got=weights)
        )

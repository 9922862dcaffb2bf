"""The factory `bert_embedder`: vectors of Docs, sentences and spans that can be compared."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example, validate_get_examples
from spacy.util import minibatch
from spacy.vocab import Vocab
from torch import Tensor

from ..errors import DataError, Errors, SettingError
from ..heads.contrastive import ContrastiveLoss, TextGroups
from ..layers.apart_texts import copy_span, count_texts, read_texts
from ..layers.embedder import embed_apart, to_host
from ..layers.head import HeadModel, HeadOutput, get_head_shim, initialize_head
from ..util.pairs import TEXTS_KEY
from .embedding_scoring import read_score, score_embeddings
from .head_component import HeadComponent
from .similarity_hooks import install_embeddings, may_set_hooks, set_hooks

N_SAMPLES = 10
BATCH_SIZE = 256
SENTENCES = "sents"
Floats = npt.NDArray[np.float32]


@dataclass
class Embedded:
    """The vectors of one Doc.

    texts: Of the Doc, or of each of its texts.
        Shape: (n_texts, width)
    spans: Spans that have vectors of their own as well, and these.
        Shape: (n_spans, width)
    """

    texts: Floats
    spans: list[Span]
    vectors: Floats


class BertEmbedder(HeadComponent):
    """Embeds each Doc, and on demand its sentences or spans, for `similarity` and search.

    A Doc of several texts (`layers/apart_texts.py`) has a vector for each of them, and their mean.

    spans (str | None): What else is embedded, each as if it were a Doc: "sents", or the spans under
        this key of `doc.spans`; None: nothing.
    loss (ContrastiveLoss): What training makes smaller.
    score_key (str): Where `doc.cats` says how similar the first two texts of a Doc are.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: HeadModel,
        name: str = "bert_embedder",
        *,
        loss: ContrastiveLoss,
        spans: str | None = None,
        score_key: str = "similarity",
        scorer: Callable[..., dict[str, Any]] | None = None,
    ) -> None:
        for setting, value, is_good in (
            ("spans", spans, spans is None or spans),
            ("score_key", score_key, bool(score_key)),
        ):
            if not is_good:
                raise SettingError(
                    Errors.SB002.format(name=setting, expected="a name", got=repr(value))
                )
        super().__init__(vocab, model, name)
        self.loss, self.spans, self.score_key, self.scorer = loss, spans, score_key, scorer
        install_embeddings()

    # Prediction

    def predict(self, docs: Iterable[Doc]) -> list[Embedded]:
        """Embed Docs without changing them.

        RAISES (SettingError): Sentences shall be embedded, and a Doc has none.
        """
        docs = list(docs)
        if not docs:
            return []
        spans = [self._find_spans(doc) for doc in docs]
        texts = _split(to_host(self.model.predict(docs).output), [count_texts(doc) for doc in docs])
        if not any(spans):
            empty = texts[0][:0]
            return [Embedded(rows, [], empty) for rows in texts]
        parts = [copy_span(span) for group in spans for span in group]
        rows = to_host(embed_apart(self.model, parts, docs, name=self.name))
        vectors = _split(rows, [len(group) for group in spans])
        return [Embedded(*found) for found in zip(texts, spans, vectors, strict=True)]

    def _find_spans(self, doc: Doc) -> list[Span]:
        if self.spans is None or not len(doc):
            return []
        if self.spans != SENTENCES:
            return list(doc.spans[self.spans]) if self.spans in doc.spans else []
        if not doc.has_annotation("SENT_START"):
            raise SettingError(Errors.SB897.format(name=self.name))
        return list(doc.sents)

    def set_annotations(self, docs: Iterable[Doc], embedded: Sequence[Embedded]) -> None:
        """Write `doc._.embedding` and `span._.embedding`, and let `similarity` compare them."""
        install_embeddings()  # an unpickled component may be the first of its process
        for doc, found in zip(docs, embedded, strict=True):
            doc._.embedding = self._merge(found.texts)
            if TEXTS_KEY in doc.spans and len(doc):
                _write(read_texts(doc), found.texts)
            _write(found.spans, found.vectors)
            if may_set_hooks():
                self.set_hooks(doc)

    def _merge(self, rows: Floats) -> Floats:
        """One vector of those of several texts. Shape: (n_texts, width) -> (width,)"""
        mean: Floats = rows.mean(axis=0)
        if len(rows) == 1:
            return mean
        norm = float(np.linalg.norm(mean))
        if norm and getattr(get_head_shim(self.model).module, "normalize", False):
            mean /= norm
        return mean

    def set_hooks(self, doc: Doc) -> None:
        """Let `vector` and `similarity` of a Doc and its spans be those of the embeddings.

        spaCy does not keep hooks when a Doc is written to bytes or comes out of a worker of
        `nlp.pipe(n_process=...)`. The vectors are kept: this sets the hooks again.
        """
        set_hooks(doc, name=self.name, spans=self.spans)

    def embed(self, texts: Iterable[Doc]) -> Floats:
        """Embed Docs that the pipeline has not seen; nothing is written on them.

        texts (Iterable[Doc]): As `nlp.make_doc` makes them.
        Shape: (n_texts, width)
        """
        parts: list[Floats] = [self._embed(batch) for batch in minibatch(texts, size=BATCH_SIZE)]
        found: Floats = np.concatenate(parts) if parts else self._embed([])
        return found

    def _embed(self, texts: list[Doc]) -> Floats:
        found: Floats = to_host(embed_apart(self.model, texts, (), name=self.name))
        return found

    # Training

    def get_loss(self, examples: Iterable[Example], scores: HeadOutput) -> Tensor:
        """Compute the loss of a batch, with its graph. Shape: ()

        RAISES (DataError): The Docs of an Example do not have the same texts, or a gold score is
            out of range.
        """
        examples = list(examples)
        for example in examples:
            counts = [count_texts(doc) for doc in (example.reference, example.predicted)]
            if counts[0] != counts[1]:
                raise DataError(
                    Errors.SB893.format(
                        name=self.name, key=TEXTS_KEY, expected=counts[0], got=counts[1]
                    )
                )
        docs = [example.predicted for example in examples]
        groups = TextGroups(
            scores.output,
            [count_texts(doc) for doc in docs],
            [read_score(e.reference, self.score_key, name=self.name) for e in examples],
            [text.text for doc in docs for text in read_texts(doc)],
        )
        return self.loss(groups)

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]] | None = None,
        *,
        nlp: Language | None = None,
    ) -> None:
        """Make the weights of the head, if there are any. No examples are needed to predict.

        RAISES (DataError): There are examples, and none has several texts.
        """
        samples: list[Doc] = []
        if get_examples is not None:
            validate_get_examples(get_examples, "BertEmbedder.initialize")
            examples = list(islice(get_examples(), N_SAMPLES))
            samples = [example.reference for example in examples]
        initialize_head(self.model, samples)

    # Scores

    def score(self, examples: Iterable[Example], **settings: Any) -> dict[str, Any]:
        """Score the vectors of Docs of several texts; see `score_embeddings`."""
        if self.scorer is not None:
            scores: dict[str, Any] = super().score(examples, **settings)
            return scores
        return score_embeddings(examples, name=self.name, score_key=self.score_key)

    def add_label(self, label: str) -> int:
        """There are no labels."""
        return 0


def _write(spans: Sequence[Span], vectors: Floats) -> None:
    for span, vector in zip(spans, vectors, strict=True):
        span._.embedding = vector.copy()  # so that it does not keep those of others alive


def _split(rows: Floats, counts: Sequence[int]) -> list[Floats]:
    """Shape: (sum of counts, width) -> (count, width) each"""
    ends = np.cumsum(counts)
    return [rows[end - count : end] for end, count in zip(ends, counts, strict=True)]

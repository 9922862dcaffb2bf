"""Encoder output -> answers: torch modules and pure decoders. No spaCy, no thinc."""

from .biluo import BiluoScheme
from .calibration import expected_calibration_error, fit_temperature, tune_thresholds
from .chain import Transitions
from .hidden import ACTIVATIONS
from .lattice import log_partition, sequence_log_probs
from .losses import binary_cross_entropy, cross_entropy
from .masked_language import (
    MaskedWordHead,
    NextSentenceHead,
    masked_word_loss,
    next_sentence_loss,
)
from .partial import tags_allowed
from .posteriors import find_candidates, span_log_probs
from .raw_tags import SCHEMES, find_scheme, read_outputs
from .reading import Reader, ReadingHead, read_in_runs
from .span_scorer import SCORINGS, ScoredSpans, SpanBand, SpanScorer
from .spans import contains_spans, select_spans, span_loss, split_spans
from .split import split_long
from .text_classifier import TEXT_POOLINGS, TextClassifier
from .text_pooling import AttentionPooling, pool_mean
from .text_scores import fit_text_temperature, to_probabilities
from .token_classifier import TokenClassifier
from .viterbi import best_tags

__all__ = [
    "ACTIVATIONS",
    "SCHEMES",
    "SCORINGS",
    "TEXT_POOLINGS",
    "AttentionPooling",
    "BiluoScheme",
    "MaskedWordHead",
    "NextSentenceHead",
    "Reader",
    "ReadingHead",
    "ScoredSpans",
    "SpanBand",
    "SpanScorer",
    "TextClassifier",
    "TokenClassifier",
    "Transitions",
    "best_tags",
    "binary_cross_entropy",
    "contains_spans",
    "cross_entropy",
    "expected_calibration_error",
    "find_candidates",
    "find_scheme",
    "fit_temperature",
    "fit_text_temperature",
    "log_partition",
    "masked_word_loss",
    "next_sentence_loss",
    "pool_mean",
    "read_in_runs",
    "read_outputs",
    "sequence_log_probs",
    "select_spans",
    "span_log_probs",
    "span_loss",
    "split_long",
    "split_spans",
    "tags_allowed",
    "to_probabilities",
    "tune_thresholds",
]

"""Encoder output -> answers: torch modules and pure decoders. No spaCy, no thinc."""

from .biluo import BiluoScheme
from .calibration import expected_calibration_error, fit_temperature, tune_thresholds
from .chain import Transitions
from .lattice import log_partition, sequence_log_probs
from .losses import binary_cross_entropy, cross_entropy
from .partial import tags_allowed
from .posteriors import find_candidates, span_log_probs
from .split import split_long
from .token_classifier import TokenClassifier
from .viterbi import best_tags

__all__ = [
    "BiluoScheme",
    "TokenClassifier",
    "Transitions",
    "best_tags",
    "binary_cross_entropy",
    "cross_entropy",
    "expected_calibration_error",
    "find_candidates",
    "fit_temperature",
    "log_partition",
    "sequence_log_probs",
    "span_log_probs",
    "split_long",
    "tags_allowed",
    "tune_thresholds",
]

"""Corpus -> masked words and next sentences -> checkpoint."""

from .documents import Passage, TextCorpus, build_text_corpus_v1
from .masking import MaskSettings
from .pretrain import pretrain
from .windows import PairSettings

__all__ = [
    "MaskSettings",
    "PairSettings",
    "Passage",
    "TextCorpus",
    "build_text_corpus_v1",
    "pretrain",
]

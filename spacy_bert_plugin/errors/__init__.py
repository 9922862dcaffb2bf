"""Every exception and every message that users can meet.

A message says what was expected, what came and what to do next. Codes are grouped by room:
SB0xx general, SB1xx pieces, SB2xx encoder and batching, SB30x to SB34x checkpoints, SB35x to
SB38x heads, SB4xx training, SB5xx layers and pipeline, SB6xx data formats and the command line,
SB70x measurements, SB71x and SB72x interop, SB73x compression, SB74x and SB75x Hugging Face,
SB78x and SB79x hubs, SB80x to SB82x pretraining, SB83x and SB84x checks,
SB85x and SB86x pairs, SB87x and SB88x answers, SB89x and SB90x embeddings.
"""

from .answers import AnswerMessages
from .checkpoints import CheckpointMessages
from .checks import CheckMessages
from .compression import CompressionMessages
from .embeddings import EmbeddingMessages
from .encoder import EncoderMessages
from .exceptions import (
    BertPluginError,
    CheckpointError,
    CheckpointNotFoundError,
    DataError,
    ListenerError,
    MissingDependencyError,
    OutOfMemoryError,
    SettingError,
    TextError,
    TrainingError,
    WorkerError,
)
from .formats import FormatMessages
from .general import GeneralMessages
from .heads import HeadMessages
from .huggingface import HuggingFaceMessages
from .interop import InteropMessages
from .masked_language import MaskedLanguageMessages
from .measure import MeasureMessages
from .packages import PackageMessages
from .pairs import PairMessages
from .pieces import PieceMessages
from .pipeline import PipelineMessages
from .pretraining import PretrainingMessages
from .spacy_transformers import SpacyTransformersMessages
from .training import TrainingMessages


class Errors(
    GeneralMessages,
    PieceMessages,
    EncoderMessages,
    CheckpointMessages,
    HeadMessages,
    TrainingMessages,
    PipelineMessages,
    MaskedLanguageMessages,
    FormatMessages,
    MeasureMessages,
    CompressionMessages,
    InteropMessages,
    HuggingFaceMessages,
    SpacyTransformersMessages,
    PackageMessages,
    PretrainingMessages,
    CheckMessages,
    PairMessages,
    AnswerMessages,
    EmbeddingMessages,
):
    """All messages by code: `Errors.SB301.format(...)`."""


__all__ = [
    "BertPluginError",
    "CheckpointError",
    "CheckpointNotFoundError",
    "DataError",
    "Errors",
    "ListenerError",
    "MissingDependencyError",
    "OutOfMemoryError",
    "SettingError",
    "TextError",
    "TrainingError",
    "WorkerError",
]

"""The bridge to thinc: the encoder and its listeners as `Model[list[Doc], list[Floats2d]]`."""

from . import _needs  # noqa: F401 (before everything that needs it)
from .bert_encoder import (
    DEFAULT_NAME,
    EncoderModel,
    build_bert_encoder_v1,
    get_shim,
    prepare,
    run_encoder,
    set_checkpoint,
    size_windows,
    split_rows,
    start_encoder,
)
from .encoded import EncodedDocs
from .listener import (
    BertListener,
    build_bert_listener_v1,
    build_bert_pooled_listener_v1,
)
from .memory import explain_memory
from .prepare import PreparedDocs, prepare_docs
from .settings import TOKEN_OUTPUTS, EncoderSettings
from .torch_shim import TorchShim, find_shims, finish_model, step_together

__all__ = [
    "TOKEN_OUTPUTS",
    "DEFAULT_NAME",
    "BertListener",
    "EncodedDocs",
    "EncoderModel",
    "EncoderSettings",
    "PreparedDocs",
    "TorchShim",
    "build_bert_encoder_v1",
    "build_bert_listener_v1",
    "build_bert_pooled_listener_v1",
    "explain_memory",
    "find_shims",
    "finish_model",
    "get_shim",
    "prepare",
    "prepare_docs",
    "run_encoder",
    "set_checkpoint",
    "size_windows",
    "split_rows",
    "start_encoder",
    "step_together",
]

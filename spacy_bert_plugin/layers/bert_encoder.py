"""`spacy-bert-plugin.BertEncoder.v1`: Docs in, one vector a token out."""

from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from spacy.tokens import Doc
from spacy.util import SimpleFrozenDict, SimpleFrozenList
from thinc.api import Model, torch2xp, xp2torch
from thinc.types import Floats2d

from ..checkpoints import (
    LoadedCheckpoint,
    build_checkpoint,
    find_width,
    load_checkpoint,
    read_tokenizer,
    resolve_checkpoint,
)
from ..errors import Errors, ListenerError, SettingError
from ..pieces import check_windows, choose_overlap
from .encode import DocsRun
from .encoded import EncodedDocs, EncodeOptions
from .memory import explain_memory
from .precision import check_skipped, choose_computing, find_budget
from .prepare import PreparedDocs, prepare_docs
from .settings import TOKEN_OUTPUTS, TOKEN_POOLINGS, EncoderSettings
from .shim import BertShim

EncoderModel = Model[list[Doc], list[Floats2d]]
GradientsT = dict[str, torch.Tensor]
DEFAULT_NAME = "minilm-l6"
NO_SIZES: dict[str, Any] = SimpleFrozenDict()
NO_NAMES: list[str] = SimpleFrozenList()


def build_bert_encoder_v1(
    name: str | None = DEFAULT_NAME,
    revision: str | None = None,
    sizes: dict[str, Any] = NO_SIZES,
    tokenizer: str | None = None,
    output: str = "tokens",
    max_pieces: int | None = None,
    overlap: int | None = None,
    batch_pieces: int | None = None,
    precision: str = "fp32",
    int8_skip: list[str] = NO_NAMES,
    freeze_layers: int = 0,
    layer_decay: float = 1.0,
    unfreeze_every: int = 0,
    use_checkpointing: bool = False,
    piece_dropout: float = 0.0,
) -> EncoderModel:
    """Build an encoder to share, or for the `tok2vec` slot of any spaCy architecture.

    Weights come with `initialize` or with a saved pipeline, not before.

    name (str | None): A local folder, "minilm-l6" for the embedded default, or the name of a
        repository on the Hugging Face hub. None: random weights of the given `sizes`.
    revision (str | None): Commit, branch or tag on the hub.
    sizes (dict): For random weights: fields of `encoder.EncoderConfig`; needs `tokenizer`.
    tokenizer (str | None): Folder or file of the tokenizer, for random weights.
    output, max_pieces, ...: As in `EncoderSettings`.
    RETURNS (Model[list[Doc], list[Floats2d]]): Shape: (n_tokens, width) for each Doc.
    RAISES (SettingError): A value cannot work.
    """
    settings = EncoderSettings(
        output=output,
        max_pieces=max_pieces,
        overlap=overlap,
        batch_pieces=batch_pieces,
        precision=precision,
        int8_skip=list(int8_skip),
        freeze_layers=freeze_layers,
        layer_decay=layer_decay,
        unfreeze_every=unfreeze_every,
        use_checkpointing=use_checkpointing,
        piece_dropout=piece_dropout,
    )
    if name is None and not (sizes and tokenizer):
        raise SettingError(Errors.SB503)

    return Model(
        "bert_encoder",
        forward,
        init=init,
        # Some architectures (the entity linker's) take sizes from it before there are weights.
        dims={"nO": find_width(name, sizes)},
        attrs={
            "dropout_rate": 0.0,
            "settings": settings,
            "load": partial(load_weights, name, revision, dict(sizes), tokenizer),
            "replace_listener": replace_listener,
            "replace_listener_cfg": replace_listener_cfg,
        },
        shims=[
            BertShim(freeze=freeze_layers, layer_decay=layer_decay, unfreeze_every=unfreeze_every)
        ],
    )


def forward(
    model: EncoderModel, docs: list[Doc], is_train: bool
) -> tuple[list[Floats2d], Callable[[list[Floats2d]], list[Doc]]]:
    name = model.attrs["settings"].output
    pooled = [] if name == "tokens" else [name]
    encoded, prepared, backward = run_encoder(model, docs, is_train=is_train, pooled=pooled)
    vectors = encoded.tokens if name == "tokens" else encoded.pooled[name]
    is_by_token = name in TOKEN_OUTPUTS
    counts = prepared.alignment.doc_tokens.tolist() if is_by_token else prepared.row_counts

    def backprop(gradients: list[Floats2d]) -> list[Doc]:
        if gradients:
            backward({name: xp2torch(model.ops.xp.concatenate(gradients), device=vectors.device)})
        return []

    return split_rows(torch2xp(vectors.detach()), counts), backprop


def init(model: EncoderModel, X: Any = None, Y: Any = None) -> EncoderModel:  # noqa: N803
    shim = get_shim(model)
    if not shim.is_loaded:
        set_checkpoint(model, model.attrs["load"]())
    return model


def load_weights(
    name: str | None, revision: str | None, sizes: dict[str, Any], tokenizer: str | None
) -> LoadedCheckpoint:
    """Load a checkpoint, or make one with random weights."""
    if name is not None:
        return load_checkpoint(resolve_checkpoint(name, revision=revision))
    return build_checkpoint(sizes, read_tokenizer(Path(str(tokenizer))))


def set_checkpoint(model: EncoderModel, checkpoint: LoadedCheckpoint) -> None:
    """Give a model its weights and check its settings against them.

    RAISES (SettingError): Windows longer than the encoder takes or too short for their overlap,
        or no pooler where one is asked.
    """
    settings = model.attrs["settings"]
    longest = checkpoint.encoder.config.max_pieces
    if settings.max_pieces is not None and settings.max_pieces > longest:
        expected = f"at most {longest}, the longest window that this encoder takes"
        raise SettingError(
            Errors.SB002.format(name="max_pieces", expected=expected, got=settings.max_pieces)
        )
    if settings.output == "pooler" and not checkpoint.encoder.config.use_pooler:
        raise SettingError(Errors.SB501)
    check_skipped(settings, checkpoint.encoder)
    check_windows(*size_windows(settings, checkpoint), checkpoint.tokenizer.n_special)
    shim = get_shim(model)
    shim.set_checkpoint(checkpoint)
    model.set_dim("nO", checkpoint.encoder.config.width, force=True)


def size_windows(settings: EncoderSettings, checkpoint: LoadedCheckpoint) -> tuple[int, int]:
    """Most pieces of a window, special ones included, and pieces that windows share."""
    max_pieces = settings.max_pieces or checkpoint.encoder.config.max_pieces
    if settings.overlap is not None:
        return max_pieces, settings.overlap
    return max_pieces, choose_overlap(max_pieces, checkpoint.tokenizer.n_special)


def get_shim(model: EncoderModel) -> BertShim:
    """Find what holds the weights of an encoder model."""
    shim = model.shims[0] if model.shims else None
    if not isinstance(shim, BertShim):
        raise SettingError(Errors.SB504.format(got=model.name))
    return shim


def get_source(model: EncoderModel) -> tuple[str | None, str | None]:
    """Name and revision of the checkpoint that a config starts an encoder from."""
    name, revision, *_ = model.attrs["load"].args
    return name, revision


def start_encoder(
    model: EncoderModel,
    prepared: PreparedDocs,
    *,
    is_train: bool = False,
    pooled: Collection[str] = (),
    use_all_layers: bool = False,
) -> DocsRun:
    """Send prepared Docs on their way through an encoder model.

    pooled (Collection[str]): Which vectors to compute as well: "first", "cls", "pooler", "mean".
    RETURNS (DocsRun): To be finished, in prediction by any thread.
    """
    shim, settings = get_shim(model), model.attrs["settings"]
    checkpoint = shim.checkpoint
    device = next(checkpoint.encoder.parameters()).device
    computing = choose_computing(settings, device, is_train=is_train)
    use_gradient = is_train and not shim.is_frozen
    options = EncodeOptions(
        batch_pieces=find_budget(settings, device),
        dtype=computing.dtype,
        quantization=computing.quantization,
        dropout=model.attrs["dropout_rate"] if use_gradient else 0.0,
        pooled=pooled,
        use_all_layers=use_all_layers,
        use_checkpointing=settings.use_checkpointing,
        piece_dropout=settings.piece_dropout if use_gradient else 0.0,
    )
    with torch.enable_grad() if use_gradient else torch.inference_mode():
        return DocsRun(checkpoint.encoder, checkpoint.tokenizer, prepared, options)


def run_encoder(
    model: EncoderModel,
    docs: Sequence[Doc],
    *,
    is_train: bool,
    pooled: Collection[str] = (),
    use_all_layers: bool = False,
    prepared: PreparedDocs | None = None,
) -> tuple[EncodedDocs, PreparedDocs, Callable[[GradientsT], None]]:
    """Run Docs through an encoder model.

    pooled (Collection[str]): Which vectors to compute as well: "first", "cls", "pooler", "mean".
    prepared (PreparedDocs | None): What is run, where that is known already; None: the Docs.
    RETURNS: The vectors; the integers they came from; and what takes gradients by name
        ("tokens" and the pooled ones) and adds to those of the weights.
    """
    shim = get_shim(model)
    prepared = prepare(model, docs, is_train=is_train) if prepared is None else prepared
    with explain_memory(docs, is_train=is_train):
        run = start_encoder(
            model, prepared, is_train=is_train, pooled=pooled, use_all_layers=use_all_layers
        )
        encoded = run.finish()

    def backward(gradients: GradientsT) -> None:
        outputs = {"tokens": encoded.tokens, **encoded.pooled}
        names = [name for name in gradients if outputs[name].requires_grad]
        if names:
            with explain_memory(docs, is_train=True):
                scaled = [shim.scaler.apply(gradients[n], run.options.dtype) for n in names]
                torch.autograd.backward([outputs[n] for n in names], scaled)

    return encoded, prepared, backward


def prepare(model: EncoderModel, docs: Sequence[Doc], *, is_train: bool = False) -> PreparedDocs:
    """Tokenise and window Docs as the settings of an encoder model say."""
    shim, settings = get_shim(model), model.attrs["settings"]
    max_pieces, overlap = size_windows(settings, shim.checkpoint)
    return prepare_docs(
        docs,
        shim.checkpoint.tokenizer,
        max_pieces=max_pieces,
        overlap=overlap,
        cache=shim.pieces if is_train else None,
    )


def split_rows(array: Any, counts: Sequence[int]) -> list[Any]:
    """Cut an array into one for each Doc, without copying. Shape: (sum of counts, width)"""
    parts, begin = [], 0
    for count in counts:
        parts.append(array[begin : begin + count])
        begin += count
    return parts


def replace_listener(copied: EncoderModel, listener: Any, component: Any) -> EncoderModel:
    """Make the copy that replaces a listener hand on what the listener did."""
    copied.attrs["settings"].output = listener.output
    return copied


def replace_listener_cfg(
    encoder_cfg: dict[str, Any], listener_cfg: dict[str, Any]
) -> dict[str, Any]:
    """Config of the copy: the encoder's, with the output of the listener.

    RAISES (ListenerError): The listener is of another library.
    """
    got = str(listener_cfg.get("@architectures", ""))
    if not got.startswith("spacy-bert-plugin."):
        raise ListenerError(Errors.SB763.format(got=got))
    pooling = listener_cfg.get("pooling", "tokens")
    if got.endswith(".BertListener.v1"):
        pooling = TOKEN_POOLINGS.get(pooling, "tokens")
    return {**encoder_cfg, "output": pooling}

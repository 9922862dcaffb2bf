"""The bridge from thinc to a head: a torch module over the vectors of any `tok2vec`.

A head's model takes Docs and gives a `HeadOutput`. What goes back into its callback is a loss, not
a gradient of the output: so parameters that only the loss uses (a CRF's) learn as well.

    Docs -> tok2vec -> one array a Doc -> (rows, width) -> module -> output -> loss
         <- tok2vec <- one gradient a Doc <------- torch.autograd ------------ loss
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import srsly
import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from spacy.tokens import Doc
from thinc.api import Model, get_torch_default_device, torch2xp, xp2torch
from thinc.types import Floats2d
from torch import Tensor, nn

from ..errors import CheckpointError, Errors, ListenerError
from .bert_encoder import split_rows
from .reading import BLOCK_ROWS, predict_rows
from .torch_shim import TorchShim

# Makes the module of a head from its sizes; the sizes are stored with the weights.
BuildT = Callable[..., nn.Module]


@dataclass(frozen=True)
class HeadOutput:
    """What a head has made of a batch of Docs.

    output: Whatever its module returns, on the device of the module.
    lengths: Rows of each Doc: its tokens, or 1 where the `tok2vec` gives one vector a Doc.
    """

    output: Any
    lengths: list[int]


HeadModel = Model[list[Doc], HeadOutput]
ReadInputsT = Callable[[HeadModel, Sequence[Doc]], dict[str, Any]]
LossBackpropT = Callable[[Tensor], list[Doc]]


class HeadShim(TorchShim):
    """Holds the module of a head, or nothing until its sizes are known."""

    def __init__(self, build: BuildT) -> None:
        super().__init__()
        self.build = build
        self.sizes: dict[str, Any] = {}
        self._module: nn.Module | None = None

    @property
    def module(self) -> nn.Module | None:
        """The torch module, None before `set_sizes`."""
        return self._module

    def set_sizes(self, **sizes: Any) -> nn.Module:
        """Make the module, with random weights. Its mode is never changed: it has none."""
        # Optimizers know weights by this number; what they remember of others would not fit.
        self.id = TorchShim().id
        self.sizes = sizes
        self._module = self.build(**sizes).to(get_torch_default_device())
        self._model = self._module
        return self._module

    def copy(self) -> "HeadShim":
        """Copy with weights of its own."""
        copied = HeadShim(self.build)
        if self._module is not None:
            copied.set_sizes(**self.sizes).load_state_dict(self._module.state_dict())
        return copied

    def __deepcopy__(self, memo: dict[int, Any]) -> "HeadShim":
        return self.copy()

    def __reduce__(self) -> tuple[Callable[..., "HeadShim"], tuple[Any, ...]]:
        return _restore_shim, (self.build, self.to_bytes())

    def to_bytes(self) -> bytes:
        """Sizes and weights, as msgpack around safetensors; nothing before `set_sizes`."""
        if self._module is None:
            return b""
        weights = {n: t.detach().cpu().contiguous() for n, t in self._module.state_dict().items()}
        data = {"sizes": self.sizes, "weights": save_tensors(weights)}
        packed: bytes = srsly.msgpack_dumps(data)
        return packed

    def from_bytes(self, data: bytes) -> "HeadShim":
        """Load what `to_bytes` wrote. RAISES (CheckpointError): It does not fit this head."""
        if data:
            loaded = HeadShim(self.build)
            try:
                stored = srsly.msgpack_loads(data)
                weights = load_tensors(stored["weights"])
                loaded.set_sizes(**stored["sizes"]).load_state_dict(weights)
            # Bytes from elsewhere can be wrong in any way; the message must name the head.
            except Exception as error:
                raise CheckpointError(Errors.SB515.format(error=error)) from error
            # Only now: bytes that are refused leave the head as it was.
            self.id, self.sizes = loaded.id, loaded.sizes
            self._module = self._model = loaded.module
        return self


def _restore_shim(build: BuildT, data: bytes) -> HeadShim:
    return HeadShim(build).from_bytes(data)


def build_head(
    name: str,
    tok2vec: Model[list[Doc], list[Floats2d]],
    build: BuildT,
    forward: Callable[..., Any],
    *,
    read_inputs: ReadInputsT | None = None,
    attrs: dict[str, Any] | None = None,
) -> HeadModel:
    """Build the model of a head.

    tok2vec: What gives the vectors.
    build: Makes the torch module from its sizes (`width` and what the component adds).
    forward: The model's forward pass, which calls `run_head`.
    read_inputs: Takes the model and some Docs, gives what the module needs to know of them besides
        their vectors.
    attrs: Further attributes of the model.
    """
    return Model(
        name,
        forward,
        init=_init,
        layers=[tok2vec],
        refs={"tok2vec": tok2vec},
        dims={"nO": None},
        attrs={
            "dropout_rate": 0.0,
            "read_inputs": read_inputs or _read_nothing,
            **(attrs or {}),
        },
        shims=[HeadShim(build)],
    )


def run_head(
    model: HeadModel, docs: list[Doc], is_train: bool, **inputs: Any
) -> tuple[HeadOutput, LossBackpropT]:
    """Run Docs through the `tok2vec` and the module of a head.

    inputs: Further arguments of the module, after the vectors and what the model's `read_inputs`
        gives: it is called as `module(vectors, lengths=lengths, dropout=rate, **inputs)`. In
        prediction long batches come in blocks, so they may not depend on the Docs.
    RETURNS: The output, and what takes a loss made of it and sends gradients back.
    """
    module = get_head(model)
    vectors, backprop_vectors = find_tok2vec(model)(docs, is_train)
    lengths = [len(rows) for rows in vectors]
    device = find_device(module)

    def to_rows(arrays: Sequence[Any]) -> Tensor:
        # The vectors of a long Doc are not copied.
        is_long = len(arrays) == 1 and len(arrays[0]) > BLOCK_ROWS and not is_train
        flat = arrays[0] if is_long else _lay_out(model, arrays)
        return xp2torch(flat, requires_grad=is_train, device=device)

    if not is_train:
        with torch.inference_mode():
            predicted = predict_rows(model, module, docs, vectors, to_rows, **inputs)
        return HeadOutput(predicted, lengths), lambda loss: []

    with torch.enable_grad():
        rows = to_rows(vectors)
        given = {**model.attrs["read_inputs"](model, docs), **inputs}
        output = module(rows, lengths=lengths, dropout=model.attrs["dropout_rate"], **given)

    def backprop(loss: Tensor) -> list[Doc]:
        if loss.requires_grad:
            loss.backward()  # type: ignore[no-untyped-call]
        gradient = torch.zeros_like(rows) if rows.grad is None else rows.grad
        docs_back: list[Doc] = backprop_vectors(split_rows(torch2xp(gradient), lengths))
        return docs_back

    return HeadOutput(output, lengths), backprop


def _lay_out(model: HeadModel, arrays: Sequence[Any]) -> Any:
    """Arrays end to end. Shape: (n_rows, width) each -> (all rows, width)"""
    return model.ops.xp.concatenate(arrays) if arrays else model.ops.alloc2f(0, _width(model))


def _read_nothing(model: HeadModel, docs: Sequence[Doc]) -> dict[str, Any]:
    return {}


def get_head(model: HeadModel) -> nn.Module:
    """Find the torch module of a head. RAISES (ListenerError): It has not been initialised."""
    module = get_head_shim(model).module
    if module is None:
        raise ListenerError(Errors.SB514.format(name=model.name))
    return module


def get_head_shim(model: HeadModel) -> HeadShim:
    """Find the shim of a head's model."""
    shim: Any = model.shims[0]
    found: HeadShim = shim
    return found


def find_device(module: nn.Module) -> torch.device:
    """Find the device of a module; that of new ones if it has no weights."""
    return next((p.device for p in module.parameters()), torch.device(get_torch_default_device()))


def is_head(model: Model[Any, Any]) -> bool:
    """Whether a model was built by `build_head`."""
    return bool(model.shims) and isinstance(model.shims[0], HeadShim)


def find_tok2vec(model: HeadModel) -> Model[list[Doc], list[Floats2d]]:
    """Find what gives the vectors of a head: by place, since copies of a model have no refs."""
    return model.layers[0]


def initialize_head(model: HeadModel, docs: Iterable[Doc], **sizes: Any) -> None:
    """Initialise the `tok2vec` of a head, then make its module.

    docs: A few sample Docs.
    sizes: What the module's constructor needs besides `width`.
    """
    tok2vec = find_tok2vec(model)
    tok2vec.initialize(X=list(docs))
    get_head_shim(model).set_sizes(width=_width(model), **sizes)


def grow_head(model: HeadModel, *, n_labels: int) -> None:
    """Make room for more labels, keeping what was learned. Before `initialize`: nothing."""
    shim = get_head_shim(model)
    trained: Any = shim.module
    if trained is not None:
        grown: Any = shim.set_sizes(**{**shim.sizes, "n_labels": n_labels})
        grown.copy_from(trained)


def _width(model: HeadModel) -> int:
    tok2vec = find_tok2vec(model)
    width = tok2vec.maybe_get_dim("nO")
    if not width:
        raise ListenerError(Errors.SB516.format(name=model.name, tok2vec=tok2vec.name))
    return int(width)


def _init(model: HeadModel, X: Any = None, Y: Any = None) -> HeadModel:  # noqa: N803
    """Components call `initialize_head`; this is what thinc calls, which knows no labels."""
    find_tok2vec(model).initialize(X=X)
    return model

"""The thinc shim around a checkpoint: weights, device, updates and bytes of one encoder."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from thinc.api import Optimizer, get_torch_default_device, torch2xp, xp2torch
from thinc.shims import Shim

from ..checkpoints import LoadedCheckpoint, checkpoint_from_bytes, checkpoint_to_bytes
from ..encoder import freeze_layers, group_by_depth
from ..errors import Errors, ListenerError, TrainingError
from ..typedefs import Encoder

ParamsT = list[tuple[str, torch.nn.Parameter]]


class BertShim(Shim):
    """Holds a checkpoint, or nothing until one is loaded."""

    def __init__(self, *, freeze: int = 0, layer_decay: float = 1.0) -> None:
        super().__init__(None)
        self.freeze = freeze
        self.layer_decay = layer_decay
        self.n_updates = 0
        self._checkpoint: LoadedCheckpoint | None = None

    @property
    def is_loaded(self) -> bool:
        """Whether there are weights."""
        return self._checkpoint is not None

    @property
    def checkpoint(self) -> LoadedCheckpoint:
        """The weights with their tokenizer and config.

        RAISES (ListenerError): Nothing has been loaded yet.
        """
        if self._checkpoint is None:
            raise ListenerError(Errors.SB502)
        return self._checkpoint

    @property
    def encoder(self) -> Encoder:
        """The torch module."""
        return self.checkpoint.encoder

    @property
    def is_frozen(self) -> bool:
        """Whether training leaves every parameter alone."""
        return not any(param.requires_grad for param in self.encoder.parameters())

    def set_checkpoint(self, checkpoint: LoadedCheckpoint) -> None:
        """Take over a checkpoint, on the device that thinc works on."""
        checkpoint.encoder.to(get_torch_default_device())
        freeze_layers(checkpoint.encoder, self.freeze)
        self._checkpoint = checkpoint
        self._model = checkpoint.encoder

    def finish_update(self, optimizer: Any) -> None:
        """Step every parameter that has a gradient, then clear the gradients.

        An optimizer with a method `step_torch` steps all of them at once; any other thinc
        optimizer is called tensor by tensor.

        RAISES (TrainingError): A gradient is not finite. No parameter has been changed.
        """
        groups = self._group_parameters()
        if not groups:
            return
        self.n_updates += 1
        if hasattr(optimizer, "step_torch"):
            optimizer.step_torch(self.id, groups)
        else:
            self._step_each(optimizer, groups)
        for params, _ in groups:
            for _, param in params:
                param.grad = None
        self._forget()

    def _forget(self) -> None:
        # A fused step does not count as a change of a tensor, so what prediction has cached of
        # the weights in another layout would go on being used.
        self.encoder.forget_weights()

    def _group_parameters(self) -> list[tuple[ParamsT, float]]:
        """Parameters with a gradient, by depth, with the factor on their learning rate."""
        depths = group_by_depth(self.encoder)
        scales = [self.layer_decay ** (len(depths) - 1 - depth) for depth in range(len(depths))]
        groups = [
            ([(name, param) for name, param in params if param.grad is not None], scale)
            for params, scale in zip(depths, scales, strict=True)
        ]
        return [(params, scale) for params, scale in groups if params]

    def _step_each(self, optimizer: Optimizer, groups: list[tuple[ParamsT, float]]) -> None:
        grads = [param.grad for params, _ in groups for _, param in params]
        norm = torch.nn.utils.get_total_norm([grad for grad in grads if grad is not None])
        if not bool(torch.isfinite(norm)):
            raise TrainingError(Errors.SB401.format(what="A gradient", step=self.n_updates))
        for params, scale in groups:
            for name, param in params:
                arrays: Any = torch2xp(param.detach()), torch2xp(torch.as_tensor(param.grad))
                weights, _ = optimizer((self.id, name), *arrays, lr_scale=scale)
                self._write(param, weights)

    @contextlib.contextmanager
    def use_params(self, params: dict[Any, Any]) -> Iterator[None]:
        """Swap in other parameter values (averages, say) and put the old ones back."""
        own = {name: value for (key, name), value in params.items() if key == self.id}
        if not own:
            yield
            return
        chosen = [(n, p) for n, p in self.encoder.named_parameters() if n in own]
        backup = {name: param.detach().clone() for name, param in chosen}
        try:
            for name, param in chosen:
                self._write(param, own[name])
            self._forget()
            yield
        finally:
            for name, param in chosen:
                self._write(param, backup[name])
            self._forget()

    @staticmethod
    def _write(param: torch.nn.Parameter, value: Any) -> None:
        value = value if isinstance(value, torch.Tensor) else xp2torch(value, device=param.device)
        with torch.no_grad():
            param.copy_(value)

    def to_device(self, device_type: str, device_id: int) -> None:
        """Move the weights: "cpu", "gpu" or "mps" as thinc calls them."""
        if self._checkpoint is not None:
            name = {"gpu": f"cuda:{device_id}"}.get(device_type, device_type)
            self._checkpoint.encoder.to(torch.device(name))

    def copy(self) -> "BertShim":
        """Copy with weights of its own; the tokenizer is shared, it never changes."""
        copied = BertShim(freeze=self.freeze, layer_decay=self.layer_decay)
        if self._checkpoint is not None:
            copied.set_checkpoint(self._checkpoint.copy())
        return copied

    def __deepcopy__(self, memo: dict[int, Any]) -> "BertShim":
        return self.copy()

    def __reduce__(self) -> tuple[Callable[..., "BertShim"], tuple[Any, ...]]:
        return _restore_shim, (self.freeze, self.layer_decay, self.to_bytes())

    def to_bytes(self) -> bytes:
        """The files of the checkpoint with their hashes; nothing if none is loaded."""
        return b"" if self._checkpoint is None else checkpoint_to_bytes(self._checkpoint)

    def from_bytes(self, data: bytes) -> "BertShim":
        """Load what `to_bytes` wrote. RAISES (CheckpointError): The bytes are damaged."""
        if data:
            self.set_checkpoint(checkpoint_from_bytes(data))
        return self


def _restore_shim(freeze: int, layer_decay: float, data: bytes) -> BertShim:
    return BertShim(freeze=freeze, layer_decay=layer_decay).from_bytes(data)

"""The thinc shim around a checkpoint: weights, device, updates and bytes of one encoder."""

from collections.abc import Callable
from typing import Any

from thinc.api import get_torch_default_device

from ..batching import LossScaler
from ..checkpoints import LoadedCheckpoint, checkpoint_from_bytes, checkpoint_to_bytes
from ..encoder import freeze_layers, group_by_depth
from ..errors import Errors, ListenerError
from ..pieces import PieceCache
from ..typedefs import Encoder, ParamGroup
from .torch_shim import TorchShim


class BertShim(TorchShim):
    """Holds a checkpoint, or nothing until one is loaded."""

    is_head = False

    def __init__(
        self, *, freeze: int = 0, layer_decay: float = 1.0, unfreeze_every: int = 0
    ) -> None:
        super().__init__()
        self.freeze = freeze
        self.layer_decay = layer_decay
        self.unfreeze_every = unfreeze_every
        self.n_steps = 0
        self.scaler = LossScaler()
        self.pieces = PieceCache()
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
    def module(self) -> Any:
        """The encoder, None until there are weights."""
        return None if self._checkpoint is None else self._checkpoint.encoder

    @property
    def encoder(self) -> Encoder:
        """The torch module. RAISES (ListenerError): Nothing has been loaded yet."""
        return self.checkpoint.encoder

    @property
    def is_frozen(self) -> bool:
        """Whether training leaves every parameter alone."""
        return not any(param.requires_grad for param in self.encoder.parameters())

    def set_checkpoint(self, checkpoint: LoadedCheckpoint) -> None:
        """Take over a checkpoint, on the device that thinc works on."""
        checkpoint.encoder.to(get_torch_default_device())
        self._checkpoint = checkpoint
        self._model = checkpoint.encoder
        self.pieces = PieceCache()
        self.thaw(self.n_steps)

    def thaw(self, n_steps: int) -> None:
        """Freeze what training must leave alone after so many steps.

        With `unfreeze_every` the highest layer begins to learn after that many steps, the next
        one after twice as many, down to what `freeze` leaves frozen for good. The embeddings
        learn with the lowest layer.

        Howard and Ruder (2018), section 3.3, https://arxiv.org/abs/1801.06146
        """
        self.n_steps = n_steps
        frozen = self.freeze
        if self.unfreeze_every and self.freeze >= 0:
            n_open = n_steps // self.unfreeze_every
            waiting = max(self.encoder.config.n_layers - n_open, 0)
            frozen = max(self.freeze, waiting) if n_open else -1
        for param in self.encoder.parameters():
            param.requires_grad_(True)
        freeze_layers(self.encoder, frozen)

    def count_step(self) -> None:
        if self.unfreeze_every and self.is_loaded:
            self.thaw(self.n_steps + 1)

    def forget(self) -> None:
        # A fused step does not count as a change of a tensor, so what prediction has cached of
        # the weights in another layout would go on being used.
        self.encoder.forget_weights()

    def list_groups(self) -> list[ParamGroup]:
        """Parameters with a gradient, by depth, with the factor on their learning rate."""
        if not self.is_loaded:
            return []
        depths = group_by_depth(self.encoder)
        scales = [self.layer_decay ** (len(depths) - 1 - depth) for depth in range(len(depths))]
        groups = [
            ParamGroup([(name, param) for name, param in params if param.grad is not None], scale)
            for params, scale in zip(depths, scales, strict=True)
        ]
        return [group for group in groups if group.params]

    def prepare_step(self) -> bool:
        return self.scaler.unscale([param for _, param in self.named_parameters()])

    def copy(self) -> "BertShim":
        """Copy with weights of its own; the tokenizer is shared, it never changes."""
        copied = BertShim(**self._settings())
        if self._checkpoint is not None:
            copied.set_checkpoint(self._checkpoint.copy())
        return copied

    def __deepcopy__(self, memo: dict[int, Any]) -> "BertShim":
        return self.copy()

    def __reduce__(self) -> tuple[Callable[..., "BertShim"], tuple[Any, ...]]:
        return _restore_shim, (self._settings(), self.to_bytes())

    def _settings(self) -> dict[str, Any]:
        return {
            "freeze": self.freeze,
            "layer_decay": self.layer_decay,
            "unfreeze_every": self.unfreeze_every,
        }

    def to_bytes(self) -> bytes:
        """The files of the checkpoint with their hashes; nothing if none is loaded."""
        return b"" if self._checkpoint is None else checkpoint_to_bytes(self._checkpoint)

    def from_bytes(self, data: bytes) -> "BertShim":
        """Load what `to_bytes` wrote. RAISES (CheckpointError): The bytes are damaged."""
        if data:
            self.set_checkpoint(checkpoint_from_bytes(data))
        return self


def _restore_shim(settings: dict[str, Any], data: bytes) -> BertShim:
    return BertShim(**settings).from_bytes(data)

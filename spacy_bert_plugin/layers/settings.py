"""What a config can set about an encoder, checked once when it is built."""

from dataclasses import dataclass, field
from typing import Any

from ..encoder import MAPS
from ..errors import Errors, SettingError

# One row a token, then those of one row a Doc.
TOKEN_OUTPUTS = ("tokens", "first")
# Which of them each way to make one vector of the pieces of a token is.
TOKEN_POOLINGS = {"mean": "tokens", "first": "first"}
OUTPUTS = (*TOKEN_OUTPUTS, "cls", "pooler", "mean", "pieces", "max")


@dataclass
class EncoderSettings:
    """How text is windowed, batched, encoded and trained.

    output: What an inline encoder hands on. One vector a token: "tokens" (the mean of its
        pieces), "first" (its first piece). Or one row a Doc: "cls" (first piece of each window,
        averaged), "pooler" (the same through the checkpoint's pooler), "mean" (mean over tokens),
        "pieces" (mean over all pieces of each window, special ones too, averaged), "max" (the
        largest numbers of all of these pieces).
    max_pieces: Most pieces of a window, special ones included. None: as many as the encoder takes.
    overlap: Pieces that the windows of a long Doc share. None: 64, fewer where windows are short.
    batch_pieces: Most pieces of one forward pass; what bounds memory. None: what suits the device.
        A window that is longer runs alone.
    precision: "fp32"; "bf16" where the device computes it in hardware; "fp16" on GPUs that lack
        bf16; "int8" on processors, for prediction; "auto": bf16 where the device has it, else fp32.
        Weights stay fp32 in training.
    int8_skip: With "int8", linear maps that are not quantised: "qkv", "output", "up" or "down", of
        every layer, or with a dot and the number of a layer ("down.5").
    piece_dropout: Share of pieces that training shows as the mask piece, so that components learn
        from context what they would learn by heart: Iyyer et al. (2015),
        https://aclanthology.org/P15-1162
    use_checkpointing: Whether training computes each forward pass a second time instead of
        keeping what it computed: about a third slower, and memory is bounded by `batch_pieces`.
    freeze_layers: Lowest layers (and the embeddings) that training leaves alone; 0: none,
        -1: all.
    unfreeze_every: Training begins with the heads alone and opens one layer more every so many
        steps, from the top; 0: all learn from the beginning.
    layer_decay: Factor on the learning rate from one layer to the one below it.
    """

    output: str = "tokens"
    max_pieces: int | None = None
    overlap: int | None = None
    batch_pieces: int | None = None
    precision: str = "fp32"
    int8_skip: list[str] = field(default_factory=list)
    piece_dropout: float = 0.0
    use_checkpointing: bool = False
    freeze_layers: int = 0
    layer_decay: float = 1.0
    unfreeze_every: int = 0

    def __post_init__(self) -> None:
        self._check("output", self.output in OUTPUTS, f"one of {', '.join(OUTPUTS)}")
        if self.batch_pieces is not None:
            self._check_int("batch_pieces", self.batch_pieces, least=1)
        if self.overlap is not None:
            self._check_int("overlap", self.overlap, least=0)
        self._check_int("freeze_layers", self.freeze_layers, least=-1)
        self._check_int("unfreeze_every", self.unfreeze_every, least=0)
        if self.max_pieces is not None:
            self._check_int("max_pieces", self.max_pieces, least=1)
        self._check("piece_dropout", 0.0 <= self.piece_dropout < 1.0, "at least 0.0 and below 1.0")
        self._check("layer_decay", 0.0 < self.layer_decay <= 1.0, "above 0.0 and at most 1.0")

        names = [name for name in self.int8_skip if not _is_map(name)]
        if names:
            raise SettingError(Errors.SB255.format(got=names, maps=", ".join(MAPS)))

    def _check_int(self, name: str, value: Any, *, least: int) -> None:
        is_int = isinstance(value, int) and not isinstance(value, bool)
        self._check(name, is_int and value >= least, f"a whole number of at least {least}")

    def _check(self, name: str, is_right: bool, expected: str) -> None:
        if not is_right:
            raise SettingError(
                Errors.SB002.format(name=name, expected=expected, got=getattr(self, name))
            )


def _is_map(name: object) -> bool:
    """Whether this is "down" or "down.5"."""
    kind, _, number = str(name).partition(".")
    return kind in MAPS and (str(name) == kind or number.isdecimal())

"""Loss scaling: what keeps small gradients above the range of fp16.

Micikevicius et al. (2018), section 3.2, https://arxiv.org/abs/1710.03740
"""

from collections.abc import Sequence

import torch
from torch import Tensor

START = 2.0**15
# Double the scale after so many steps in a row without overflow.
GROW_EVERY = 2000


class LossScaler:
    """Scales gradients on their way into an encoder that computes in fp16, and back before a step.

    Other types have the range of fp32, and nothing is done.
    """

    def __init__(self) -> None:
        self.scale = START
        self.n_good = 0
        self._is_scaled = False

    def apply(self, gradient: Tensor, dtype: torch.dtype) -> Tensor:
        """Scale what goes into the backward pass.

        gradient: Any gradient.
        dtype: Type that the encoder computes in.
        """
        self._is_scaled = dtype == torch.float16
        return gradient * self.scale if self._is_scaled else gradient

    def unscale(self, params: Sequence[torch.nn.Parameter]) -> bool:
        """Bring gradients back to their true size.

        RETURNS: False where one has overflowed: the scale has been halved, the step has to be
            left out.
        """
        grads = [param.grad for param in params if param.grad is not None]
        if not self._is_scaled or not grads:
            return True
        self._is_scaled = False
        if not bool(torch.isfinite(torch.nn.utils.get_total_norm(grads))):
            self.scale, self.n_good = max(self.scale / 2.0, 1.0), 0
            return False
        torch._foreach_mul_(grads, 1.0 / self.scale)
        self.n_good += 1
        if self.n_good % GROW_EVERY == 0:
            self.scale *= 2.0
        return True

"""`spacy-bert-plugin.AdamW.v1`: one fused step for the encoder, thinc's own for the rest."""

from collections.abc import Iterator
from typing import Any

import torch
from thinc.api import Optimizer

from ..errors import Errors, SettingError, TrainingError

GroupsT = list[tuple[list[tuple[str, torch.nn.Parameter]], float]]
# Parameters without weight decay, by the last part of their name and by their number of axes.
NO_DECAY_NDIM = 1


class AdamW(Optimizer):
    """AdamW for fine-tuning: the encoder at `learn_rate`, new layers faster.

    torch's fused step moves all parameters of an encoder at once, after clipping them by one
    global norm. Biases and layer norms are not decayed. Parameters of thinc layers are stepped
    by thinc as before, at `learn_rate * head_factor`.

    Loshchilov and Hutter (2017), https://arxiv.org/abs/1711.05101
    """

    __slots__ = ("_torch", "head_factor", "n_steps", "torch_clip", "weight_decay")

    def __init__(
        self,
        learn_rate: Any,
        *,
        head_factor: float,
        beta1: float,
        beta2: float,
        eps: float,
        weight_decay: float,
        grad_clip: float,
    ) -> None:
        super().__init__(
            learn_rate,
            L2=weight_decay,
            beta1=beta1,
            beta2=beta2,
            eps=eps,
            grad_clip=grad_clip,
            use_averages=False,
            L2_is_weight_decay=True,
        )
        self.head_factor = head_factor
        self.weight_decay = weight_decay
        self.torch_clip = grad_clip
        self.n_steps = 0
        self._torch: dict[int, torch.optim.AdamW] = {}

    def __call__(
        self, key: Any, weights: Any, gradient: Any, *, lr_scale: float = 1.0
    ) -> tuple[Any, Any]:
        """Step one array of a thinc layer. RAISES (TrainingError): The gradient is not finite."""
        if not float(abs(gradient).sum()) < float("inf"):
            raise TrainingError(Errors.SB401.format(what="A gradient", step=self.n_steps))
        scale = lr_scale * self.head_factor
        stepped: tuple[Any, Any] = super().__call__(key, weights, gradient, lr_scale=scale)
        return stepped

    def step_schedules(self) -> None:
        """Move on to the learning rate of the next step."""
        self.n_steps += 1
        super().step_schedules()  # type: ignore[no-untyped-call]

    def step_torch(self, key: int, groups: GroupsT) -> None:
        """Step torch parameters.

        key (int): Identifies their owner, whose moments are kept under it.
        groups: Names and parameters with the factor on their learning rate.
        RAISES (TrainingError): The norm of the gradients is not finite. Nothing was changed.
        """
        params = [param for named, _ in groups for _, param in named]
        norm = torch.nn.utils.get_total_norm([p.grad for p in params if p.grad is not None])
        if not bool(torch.isfinite(norm)):
            raise TrainingError(Errors.SB401.format(what="The gradient", step=self.n_steps))
        if self.torch_clip:
            torch.nn.utils.clip_grads_with_norm_(params, self.torch_clip, norm)
        optimizer = self._find_optimizer(key, groups)
        scales = {id(param): scale for named, scale in groups for _, param in named}
        for group in optimizer.param_groups:
            group["lr"] = float(self.learn_rate) * scales.get(id(group["params"][0]), 1.0)
        optimizer.step()

    def _find_optimizer(self, key: int, groups: GroupsT) -> torch.optim.AdamW:
        """The optimizer of an owner, with parameters that it has not seen before added."""
        optimizer = self._torch.get(key)
        known = set()
        if optimizer is not None:
            known = {id(p) for group in optimizer.param_groups for p in group["params"]}
        fresh = [
            {"params": new, "weight_decay": decay}
            for params, decay in _split_groups(groups, self.weight_decay)
            if (new := [param for param in params if id(param) not in known])
        ]
        if optimizer is None:
            optimizer = self._torch[key] = torch.optim.AdamW(
                fresh, lr=0.0, betas=(self.b1, self.b2), eps=self.eps, fused=True
            )
        else:
            for group in fresh:
                optimizer.add_param_group(group)
        return optimizer


def build_adamw_v1(
    learn_rate: Any = 5e-5,
    head_factor: float = 10.0,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.01,
    grad_clip: float = 1.0,
) -> Optimizer:
    """Build the optimizer.

    learn_rate (float or schedule): Rate of the encoder.
    head_factor (float): Rate of all other parameters, in multiples of it.
    beta1, beta2, eps (float): As in Adam.
    weight_decay (float): Decoupled decay; not for biases and layer norms of the encoder.
    grad_clip (float): Largest norm: of all gradients of an encoder together, of each array of a
        thinc layer alone. 0.0: no clipping.
    RAISES (SettingError): A value cannot work.
    """
    for name, value in (("head_factor", head_factor), ("eps", eps)):
        if not value > 0.0:
            raise SettingError(Errors.SB002.format(name=name, expected="above 0.0", got=value))
    for name, value in (("weight_decay", weight_decay), ("grad_clip", grad_clip)):
        if not value >= 0.0:
            raise SettingError(Errors.SB002.format(name=name, expected="at least 0.0", got=value))
    return AdamW(
        learn_rate,
        head_factor=head_factor,
        beta1=beta1,
        beta2=beta2,
        eps=eps,
        weight_decay=weight_decay,
        grad_clip=grad_clip,
    )


def _split_groups(
    groups: GroupsT, weight_decay: float
) -> Iterator[tuple[list[torch.nn.Parameter], float]]:
    """Yield parameters that share a learning rate and a decay."""
    for named, _ in groups:
        yield [param for _, param in named if param.ndim > NO_DECAY_NDIM], weight_decay
        yield [param for _, param in named if param.ndim <= NO_DECAY_NDIM], 0.0

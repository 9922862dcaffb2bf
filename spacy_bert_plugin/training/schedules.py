"""`spacy-bert-plugin.Warmup.v1`: a learning rate that rises, then falls or stays."""

import math
from collections.abc import Iterator
from itertools import count

from ..errors import Errors, SettingError

SHAPES = ("linear", "cosine", "constant")


def build_warmup_v1(
    initial_rate: float,
    total_steps: int,
    warmup: float | int = 0.1,
    shape: str = "linear",
    final_rate: float = 0.0,
) -> Iterator[float]:
    """Build a schedule with a warm-up.

    initial_rate (float): Highest rate, reached when the warm-up is over.
    total_steps (int): Steps of the whole training; keep it at training.max_steps.
    warmup (float or int): Below 1: share of all steps; from 1 on: number of steps.
    shape (str): What follows: "linear" down to `final_rate`, "cosine" down to it along half a
        cosine (Loshchilov and Hutter 2016, https://arxiv.org/abs/1608.03983), or "constant".
    final_rate (float): Where linear and cosine end. Steps after the last one keep it.
    RETURNS (Iterator): The rate of each step in turn, without end.
    RAISES (SettingError): A value cannot work.
    """
    n_warmup = math.ceil(warmup * total_steps) if warmup < 1 else warmup
    checks = (
        ("initial_rate", initial_rate, initial_rate >= 0.0, "at least 0.0"),
        ("final_rate", final_rate, 0.0 <= final_rate <= initial_rate, "from 0 to initial_rate"),
        ("total_steps", total_steps, total_steps >= 1, "at least 1"),
        (
            "warmup",
            warmup,
            warmup >= 0 and n_warmup == int(n_warmup) and n_warmup < total_steps,
            "a share below 1, or a whole number of steps, fewer than total_steps",
        ),
        ("shape", shape, shape in SHAPES, " or ".join(SHAPES)),
    )
    for name, value, is_right, expected in checks:
        if not is_right:
            raise SettingError(Errors.SB002.format(name=name, expected=expected, got=value))

    def find_rate(step: int) -> float:
        if step < n_warmup:
            return initial_rate * step / n_warmup
        if shape == "constant":
            return initial_rate
        done = min((step - n_warmup) / (total_steps - n_warmup), 1.0)
        share = 1.0 - done if shape == "linear" else 0.5 * (1.0 + math.cos(math.pi * done))
        return final_rate + (initial_rate - final_rate) * share

    # Settings are checked when the config is read, so this function is no generator itself.
    return map(find_rate, count())

"""Forked workers of a process that has already computed: `nlp.pipe(n_process=2)`, web servers.

The threads of torch and of the tokenizer do not survive a fork. A child that uses them hangs in
its first parallel region, so it computes with one thread; its parent is left as it is.
"""

import os
from functools import cache

import torch


@cache
def survive_forks() -> None:
    """Make children that this process forks from now on able to compute. Once is enough."""
    if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
        os.register_at_fork(after_in_child=_use_one_thread)


def _use_one_thread() -> None:
    torch.set_num_threads(1)
    # The tokenizer notices a fork by itself; recent ones are quiet about it when they are told.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

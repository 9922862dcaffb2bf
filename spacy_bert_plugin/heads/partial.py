"""Annotation that says nothing about some tokens.

Paper: Tsuboi et al., Training Conditional Random Fields Using Incomplete Annotations,
https://aclanthology.org/C08-1113
"""

from __future__ import annotations

import torch
from torch import Tensor

MISSING = -1


def tags_allowed(tags: Tensor, *, n_tags: int) -> Tensor:
    """Turn tags into the set of tags that each token may have: its own, or all where it is missing.

    tags: Tag of each token; -1 where the annotation says nothing.
    n_tags: Number of tags of the scheme.
    Shape: tags (n_tokens,) -> bool (n_tokens, n_tags).
    """
    every = torch.arange(n_tags, device=tags.device)
    return (tags[:, None] == every) | (tags[:, None] == MISSING)

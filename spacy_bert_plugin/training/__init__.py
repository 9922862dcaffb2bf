"""Optimizer, data readers and guards. Everything is reached through a config."""

from .optimizer import AdamW, build_adamw_v1

__all__ = ["AdamW", "build_adamw_v1"]

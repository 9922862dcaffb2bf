"""Pipelines that go to a hub.

parcel   which files of a pipeline belong to it, and that they load by themselves
card     README.md of a repository, out of what the pipeline knows about itself
push     the requests, and what can go wrong with them
"""

from .card import write_card
from .parcel import Parcel, pack_pipeline
from .push import Pushed, push_pipeline

__all__ = ["Parcel", "Pushed", "pack_pipeline", "push_pipeline", "write_card"]

"""One shared BERT encoder inside a spaCy pipeline.

Importing this package loads neither torch nor transformers: everything that users reach is
registered through entry points and loaded by spaCy when a config names it.
"""

from .about import __version__

__all__ = ["__version__"]

"""Two texts in one Doc, for those who look for them beside the encoder: see `util/pairs.py`."""

from ..util.pairs import PAIR_KEY, Pair, check_sides, make_pair_doc, make_pair_docs, read_pair

__all__ = ["PAIR_KEY", "Pair", "check_sides", "make_pair_doc", "make_pair_docs", "read_pair"]

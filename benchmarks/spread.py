"""Medians and ratios with their intervals, as the package computes them."""

from spacy_bert_plugin.cli.measure.spread import Spread, compare, ratio_of, show_ratio, spread_of

__all__ = ["Spread", "compare", "ratio_of", "show_ratio", "spread_of"]

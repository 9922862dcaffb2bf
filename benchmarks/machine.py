"""What a measurement was made on, as the package describes it."""

from spacy_bert_plugin.cli.measure.machine import describe_line, describe_machine, find_gpu

__all__ = ["describe_line", "describe_machine", "find_gpu"]

"""Names and version of the distribution. Nothing is imported here."""

__title__ = "spacy-bert-plugin"
__version__ = "0.1.0"

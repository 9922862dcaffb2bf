"""Doors in and out: other people's models and configs, and files for other runtimes.

onnx                 files for ONNX Runtime and everything else that reads them
huggingface          checkpoints with a head for a task <-> pipelines
spacy_transformers   pipelines and configs written for spaCy's other transformer libraries
"""

"""The command line: `spacy-bert ...` and `python -m spacy bert ...`.

One file a command, two functions each: one takes the arguments and prints, the other does the
work and can be called. Only the first ones are loaded to show `--help`: what needs spaCy or torch
is imported inside functions.
"""

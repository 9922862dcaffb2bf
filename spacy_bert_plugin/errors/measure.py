"""Messages SB70x: measurements."""


class MeasureMessages:
    """Messages of `cli.measure`."""

    SB700 = (
        "{path}: expected texts, but found none. Give a .txt file with a text on each line, a "
        '.jsonl file of objects with "text", or a .spacy file with Docs.'
    )
    SB701 = (
        '{path}, line {line}: expected a JSON object whose "text" is a string of valid Unicode, '
        "but {got}. Repair the line, or save the texts as .txt, one on each line."
    )
    SB702 = (
        "{path}: expected Docs as spaCy's DocBin saves them, but they cannot be read ({error}). "
        "Make the file anew, for example with: python -m spacy bert convert"
    )
    SB703 = (
        "'{text}' does not name a pipeline. Expected [NAME=]PATH[,SECTION.KEY=VALUE...], for "
        "example bf16=training/model-best,components.bert_transformer.precision=bf16; {problem}."
    )
    SB704 = (
        "{n} of the pipelines would be called '{name}'. Give each a name of its own: "
        "NAME=PATH instead of PATH."
    )
    SB705 = (
        "{name} failed to {doing}: {message}\nNothing was reported. Repair this pipeline or "
        "leave it out, and run again."
    )
    SB706 = (
        "The process of {name} ended with {code} while it was to {doing}. {hint}The last that it "
        "wrote: {tail}"
    )
    SB707 = (
        "There is no CUDA device that {package} can use in this environment, so nothing can be "
        "measured on one. Leave out --device cuda, or see: python -m spacy bert info"
    )
    SB708 = (
        "'{path}' cannot be written: {problem}. Nothing was measured; give another path to "
        "{option}."
    )
    SB709 = (
        "{name} gave {got} Docs for {expected} texts. Every text has to come back for a speed to "
        "mean anything: look for a component that drops Docs or an error handler that skips them."
    )

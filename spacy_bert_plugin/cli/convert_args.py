"""The arguments of `spacy-bert convert`."""

from enum import Enum
from pathlib import Path
from typing import Annotated

from typer import Argument, Option


class Format(Enum):
    """Formats of data files."""

    auto = "auto"
    conll = "conll"
    jsonl = "jsonl"
    csv = "csv"
    tsv = "tsv"
    squad = "squad"


class Task(Enum):
    """What to take of the annotations."""

    auto = "auto"
    textcat = "textcat"
    textcat_multilabel = "textcat_multilabel"
    ner = "ner"
    spancat = "spancat"
    joint = "joint"
    text = "text"
    pairs = "pairs"
    regression = "regression"


class Align(Enum):
    """What happens to a span that cuts a token."""

    expand = "expand"
    contract = "contract"
    split = "split"
    drop = "drop"
    strict = "strict"


class Quoting(Enum):
    """How csv and tsv files are quoted."""

    auto = "auto"
    csv = "csv"
    none = "none"


# Arguments that go to `FormatOptions` under their own name, as they are
FORMAT_SETTINGS = (
    *("format", "task", "align", "text_column", "label_column", "label_sep", "spans_column"),
    *("word_column", "tag_column", "no_spaces", "gold_tokens", "sep", "quoting", "spans_key"),
    *("second_text_column", "min_score", "max_score", "encoding"),
)

Inputs = Annotated[list[Path], Argument(metavar="INPUT...", help="Data files.", show_default=False)]
Output = Annotated[
    Path,
    Argument(
        metavar="OUTPUT",
        help="A .spacy file for all of them, or a folder that receives one file for each.",
        show_default=False,
    ),
]
FormatOption = Annotated[Format, Option(help="Format of the data files.")]
TaskOption = Annotated[
    Task,
    Option(
        help="What to take: labels of texts (textcat: exactly one each; textcat_multilabel), "
        "spans (ner, spancat), both (joint), neither (text), one label for each pair of texts "
        "(pairs), a score of a text or a pair (regression), or all there is (auto)."
    ),
]
Lang = Annotated[str, Option(help="Language, whose tokenizer cuts the texts.")]
Labels = Annotated[
    Path | None,
    Option(
        help="File with all labels of texts, one a line. Rows may hold numbers into it (from 0). "
        "Without it every output gets the labels of all inputs of this run."
    ),
]
DevOutput = Annotated[
    Path | None, Option(help="Set some texts aside for development, and store them here.")
]
DevShare = Annotated[
    float, Option(help="The part to set aside with --dev-output.", min=0.0, max=1.0)
]
Seed = Annotated[int, Option(help="Of the shuffle that sets texts aside.")]
AlignOption = Annotated[
    Align,
    Option(
        help="What happens to a span that cuts a token: expand or contract it to whole tokens, "
        "split the token, drop the span, or stop (strict)."
    ),
]
TextColumn = Annotated[
    str | None, Option(help="Column or key of the text: a name, or a number from 1 (csv, tsv).")
]
SecondTextColumn = Annotated[
    str | None,
    Option(
        help="Column or key of the second text, where rows are pairs. Without it columns such as "
        "premise and hypothesis, sentence1 and sentence2, or question and context make pairs."
    ),
]
LabelColumn = Annotated[
    str | None, Option(help="Column or key of the label or score; 'none' to do without.")
]
LabelSep = Annotated[
    str | None, Option(help="What separates several labels in one cell, such as ','.")
]
SpansColumn = Annotated[str | None, Option(help="Key of the spans (jsonl).")]
WordColumn = Annotated[int | None, Option(help="Column of the words, from 1 (conll).")]
TagColumn = Annotated[
    int | None, Option(help="Column of the tags, from 1; -1 is the last (conll).")
]
NoSpaces = Annotated[
    bool, Option("--no-spaces", help="Words are written without spaces between (conll).")
]
GoldTokens = Annotated[
    bool,
    Option(
        "--gold-tokens",
        help="Keep the words alone, even where a '# text =' comment has the raw text, so that "
        "spaCy trains and scores on them and not on its own tokens (conll).",
    ),
]
Sep = Annotated[str | None, Option(help="Separator of csv and tsv: a character, or 'tab'.")]
QuotingOption = Annotated[
    Quoting, Option(help="Whether quotes delimit fields (csv) or are plain characters (none).")
]
Header = Annotated[bool | None, Option(help="Whether the first row names the columns (csv, tsv).")]
MinScore = Annotated[float | None, Option(help="Least score (regression).")]
MaxScore = Annotated[float | None, Option(help="Largest score (regression).")]
SpansKey = Annotated[str, Option(help="Where spancat looks in doc.spans.")]
EncodingOption = Annotated[str, Option(help="Encoding of the data files.")]

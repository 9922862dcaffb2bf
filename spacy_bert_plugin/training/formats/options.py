"""How to read data files: the settings that the command line and the corpus reader share."""

from dataclasses import dataclass, fields

from ...errors import Errors, SettingError

FORMATS = ("auto", "conll", "jsonl", "csv", "tsv", "squad")
TASKS = (
    *("auto", "textcat", "textcat_multilabel", "ner", "spancat", "joint", "text"),
    *("pairs", "regression"),
)
PAIR_TASKS = ("auto", "textcat", "textcat_multilabel", "text", "pairs", "regression")
ALIGNMENTS = ("expand", "contract", "split", "drop", "strict")
QUOTINGS = ("auto", "csv", "none")
CHOICES = {"format": FORMATS, "task": TASKS, "align": ALIGNMENTS, "quoting": QUOTINGS}
SEPARATORS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}
NO_COLUMN = "none"


@dataclass(frozen=True, kw_only=True)
class FormatOptions:
    """How to read data files. Every default suits the common case.

    format (str): One of `FORMATS`. "auto" goes by the name and the first lines.
    task (str): One of `TASKS`. "auto" takes every annotation that the rows have.
    text_column, label_column, spans_column (str): Header name, key, or number from 1.
    second_text_column (str): That of the second text, where rows are pairs. None: where the names
        of two columns or keys are those of a pair, such as premise and hypothesis, rows are pairs.
    min_score, max_score (float): Range of the scores of the task "regression"; None: any.
    word_column, tag_column (int): Of files with columns and tags, from 1; -1 is the last.
    sep (str): Separator of csv and tsv: one character or a name such as "tab".
    quoting (str): "csv": quotes delimit fields. "none": they are plain characters. "auto": csv
        files have them; tsv files where every row would be well-formed and some row needs them.
    use_header (bool): Whether the first row of csv and tsv names the columns. None: look.
    label_sep (str): Splits a label cell into several. None: a comma, where a label list says
        that the parts are labels and the whole is not.
    labels (tuple): All labels of texts, in order. A cell may hold a number into it, from 0.
    align (str): What happens to a span that cuts a token. "expand" or "contract" it to whole
        tokens, "split" the token, "drop" the span, or stop with an error ("strict").
    no_spaces (bool): Words of tagged columns are written without spaces (Chinese).
    gold_tokens (bool): Keep the words of tagged columns alone even where the raw text is known,
        so that spaCy trains and scores on the tokens of the file.
    spans_key (str): Where the spans of the task "spancat" go in `doc.spans`.
    encoding (str): Of the files.
    RAISES (SettingError): a value is not one of those named.
    """

    format: str = "auto"
    task: str = "auto"
    text_column: str | None = None
    second_text_column: str | None = None
    label_column: str | None = None
    spans_column: str | None = None
    word_column: int | None = None
    tag_column: int | None = None
    sep: str | None = None
    quoting: str = "auto"
    use_header: bool | None = None
    label_sep: str | None = None
    labels: tuple[str, ...] | None = None
    align: str = "expand"
    no_spaces: bool = False
    gold_tokens: bool = False
    spans_key: str = "sc"
    min_score: float | None = None
    max_score: float | None = None
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            _check(name, getattr(self, name) in choices, getattr(self, name), choices)
        for name in ("word_column", "tag_column"):
            value = getattr(self, name)
            _check(name, value is None or value != 0, value, "a number from 1, or -1 for the last")
        if self.sep is not None:
            object.__setattr__(self, "sep", SEPARATORS.get(self.sep, self.sep))
            _check("sep", len(self.sep) == 1, self.sep, f"one character or one of {[*SEPARATORS]}")
        is_expanded = self.format != "squad" or self.align == "expand"
        _check("align", is_expanded, self.align, "expand for SQuAD files")
        if self.second_text_column is not None:
            _check("task", self.may_be_pairs, self.task, f"one of {PAIR_TASKS} for pairs of texts")
        _check("label_sep", self.label_sep != "", self.label_sep, "at least one character")
        try:
            "".encode(self.encoding)
        except LookupError:
            _check("encoding", False, self.encoding, "an encoding that Python knows, like utf-8")

    @property
    def wants_cats(self) -> bool:
        """Whether labels of whole texts are read."""
        return self.task in ("textcat_multilabel", "joint", "auto") or self.wants_one_label

    @property
    def wants_one_label(self) -> bool:
        """Whether labels of texts exclude each other."""
        return self.task in ("textcat", "pairs")

    @property
    def wants_scores(self) -> bool:
        """Whether numbers are read instead of labels."""
        return self.task == "regression"

    @property
    def may_be_pairs(self) -> bool:
        """Whether rows may be pairs of texts."""
        return self.task in PAIR_TASKS

    @property
    def wants_spans(self) -> bool:
        """Whether spans are read."""
        return self.task in ("auto", "ner", "spancat", "joint")


OPTION_NAMES = tuple(field.name for field in fields(FormatOptions))


def _check(name: str, is_good: bool, got: object, expected: object) -> None:
    if not is_good:
        wanted = expected if isinstance(expected, str) else f"one of {expected}"
        raise SettingError(Errors.SB655.format(name=name, expected=wanted, got=got))

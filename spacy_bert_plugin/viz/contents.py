"""What a report page is made of: plain values, computed elsewhere."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Fact:
    """A number or word with its name.

    name (str): What it is.
    value (str): As it is to be read, with its unit.
    note (str): One line of explanation.
    """

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class LabelRow:
    """Scores of one label, each from 0 to 1.

    n (int): How often the label stands in the gold data.
    """

    label: str
    n: int
    precision: float
    recall: float
    f: float


@dataclass(frozen=True)
class LabelTable:
    """Scores of all labels of one task."""

    title: str
    rows: tuple[LabelRow, ...]
    note: str = ""


@dataclass(frozen=True)
class Curve:
    """A line of a chart.

    xs (tuple), ys (tuple): Its points; as many of one as of the other.
    """

    name: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]


@dataclass(frozen=True)
class Chart:
    """Curves over one pair of axes.

    x_name (str), y_name (str): Under and beside the axes.
    top (float): Where the y axis ends, if not at the largest value.
    """

    title: str
    curves: tuple[Curve, ...]
    x_name: str = "step"
    y_name: str = ""
    top: float | None = None


@dataclass(frozen=True)
class Dots:
    """Several measurements of each of a few things, such as a score with several seeds.

    rows (tuple): A name, and its values; from top to bottom.
    """

    title: str
    rows: tuple[tuple[str, tuple[float, ...]], ...]


@dataclass(frozen=True)
class Confusion:
    """How often each gold label was given each label.

    counts (tuple): Rows are gold labels, columns predicted ones, both in the order of `labels`.
        Shape: (n_labels, n_labels)
    """

    title: str
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class ReliabilityBin:
    """Answers whose confidence is from `low` to `high`.

    n (int): How many there are; without any, the other two say nothing.
    confidence (float): Their mean confidence.
    share (float): The share of them that is right.
    """

    low: float
    high: float
    n: int
    confidence: float
    share: float


@dataclass(frozen=True)
class Reliability:
    """What confidences promise beside what came true.

    error (float): Expected calibration error, from 0 to 1.
    bins (tuple): Side by side, the least confident answers first.
    """

    title: str
    error: float
    bins: tuple[ReliabilityBin, ...]


@dataclass(frozen=True)
class Span:
    """A part of a text.

    start (int), end (int): In characters.
    is_right (bool): Gold and prediction agree on it.
    """

    start: int
    end: int
    label: str
    is_right: bool = True


@dataclass(frozen=True)
class Sentence:
    """A text as it should be read and as it was.

    gold (tuple), predicted (tuple): Spans, sorted and without overlaps.
    gold_label (str), predicted_label (str): Label of the text; empty where there is none.
    """

    text: str
    is_right: bool
    gold: tuple[Span, ...] = ()
    predicted: tuple[Span, ...] = ()
    gold_label: str = ""
    predicted_label: str = ""


@dataclass(frozen=True)
class Report:
    """A page.

    headline (tuple): The few numbers that matter, large.
    facts (tuple): How they came about: seed, commit, minutes, versions.
    dots (tuple): What was measured several times.
    reliabilities (tuple): Of each kind of answer that has a confidence.
    sentences (tuple): Drawn in this order.
    sentences_note (str): Which sentences these are.
    """

    title: str
    subtitle: str = ""
    headline: tuple[Fact, ...] = ()
    facts: tuple[Fact, ...] = ()
    tables: tuple[LabelTable, ...] = ()
    charts: tuple[Chart, ...] = ()
    dots: tuple[Dots, ...] = ()
    reliabilities: tuple[Reliability, ...] = ()
    confusions: tuple[Confusion, ...] = ()
    sentences: tuple[Sentence, ...] = ()
    sentences_note: str = field(default="")

"""What an import did, and how the two pipelines compare."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from spacy.language import Language
from spacy.tokens import Doc

from .changes import Change

# What is compared token by token: the annotation, and the attribute that it is read from.
TOKEN_ANSWERS = {
    "TAG": "tag_",
    "POS": "pos_",
    "MORPH": "morph",
    "LEMMA": "lemma_",
    "DEP": "dep_",
    "HEAD": "head",
    "SENT_START": "is_sent_start",
}


@dataclass(frozen=True)
class Report:
    """What was made of a pipeline.

    components (list[tuple[str, str]]): Name, and what was done with it.
    changes (list[Change]): Changes in the config.
    notes (list[str]): What to know before use.
    comparison (list[tuple[str, str]]): What was compared, and with which result; empty without
        texts.
    n_texts (int): How many texts were compared.
    """

    components: list[tuple[str, str]]
    changes: list[Change]
    notes: list[str] = field(default_factory=list)
    comparison: list[tuple[str, str]] = field(default_factory=list)
    n_texts: int = 0

    def __str__(self) -> str:
        """All of it as lines to print."""
        title = f"compared on {self.n_texts:,} texts"
        parts = [("component", self.components), (title, self.comparison)]
        lines = [line for name, rows in parts if rows for line in _list_rows(name, rows)]
        return "\n".join([*lines, *self.notes])


def _list_rows(title: str, rows: Sequence[tuple[str, str]]) -> list[str]:
    width = max(len(name) for name, _ in rows)
    return [f"{title}:", *(f"  {name:<{width}}  {text}" for name, text in rows), ""]


def compare_pipelines(
    theirs: Language, ours: Language, texts: Sequence[str]
) -> list[tuple[str, str]]:
    """Run texts through both pipelines, and count what is the same.

    RETURNS (list[tuple[str, str]]): What was compared, and the result.
    """
    expected, got = list(theirs.pipe(texts)), list(ours.pipe(texts))
    pairs = list(zip(expected, got, strict=True))
    rows = [_compare_entities(pairs), *_compare_categories(pairs), *_compare_spans(pairs)]
    rows += [row for name in TOKEN_ANSWERS if (row := _compare_tokens(pairs, name))]
    return [row for row in rows if row is not None] or [("answers", "none in any text")]


def _compare_entities(pairs: list[tuple[Doc, Doc]]) -> tuple[str, str] | None:
    return _count_same("entities", [(_list_ents(one), _list_ents(two)) for one, two in pairs])


def _compare_spans(pairs: list[tuple[Doc, Doc]]) -> list[tuple[str, str] | None]:
    keys = sorted({key for docs in pairs for doc in docs for key in doc.spans})
    return [
        _count_same(
            f"spans '{key}'", [(_list_spans(a, key), _list_spans(b, key)) for a, b in pairs]
        )
        for key in keys
    ]


def _count_same(
    name: str, pairs: list[tuple[set[tuple[int, int, str]], set[tuple[int, int, str]]]]
) -> tuple[str, str] | None:
    n_same = sum(len(one & two) for one, two in pairs)
    n_all = sum(len(one | two) for one, two in pairs)
    return (name, f"{n_same:,} of {n_all:,} the same") if n_all else None


def _compare_categories(pairs: list[tuple[Doc, Doc]]) -> list[tuple[str, str]]:
    scored = [(one.cats, two.cats) for one, two in pairs if one.cats]
    if not scored:
        return []
    n_same = sum(_find_best(one) == _find_best(two) for one, two in scored)
    largest = max(abs(one[label] - two.get(label, 0.0)) for one, two in scored for label in one)
    return [
        ("best category", f"{n_same:,} of {len(scored):,} the same"),
        ("scores of categories", f"largest difference {largest:.1e}"),
    ]


def _compare_tokens(pairs: list[tuple[Doc, Doc]], name: str) -> tuple[str, str] | None:
    if not any(doc.has_annotation(name) for docs in pairs for doc in docs):
        return None
    values = [
        (_read(one, TOKEN_ANSWERS[name]), _read(two, TOKEN_ANSWERS[name]))
        for first, second in pairs
        for one, two in zip(first, second, strict=True)
    ]
    n_same = sum(one == two for one, two in values)
    return name.lower(), f"{n_same:,} of {len(values):,} tokens the same"


def _read(token: object, name: str) -> str:
    value = getattr(token, name)
    return str(value.i if name == "head" else value)


def _find_best(cats: dict[str, float]) -> str:
    return max(cats, key=lambda label: cats[label])


def _list_ents(doc: Doc) -> set[tuple[int, int, str]]:
    return {(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents}


def _list_spans(doc: Doc, key: str) -> set[tuple[int, int, str]]:
    spans = doc.spans.get(key, [])
    return {(span.start_char, span.end_char, span.label_) for span in spans}

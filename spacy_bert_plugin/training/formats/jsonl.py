"""JSON lines: an object a line with a text, spans, and labels."""

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import DataError, Errors
from .labels import check_exclusive, resolve_labels, split_labels
from .options import NO_COLUMN, FormatOptions
from .pairs import SCORE, SCORE_NAMES, check_pair, find_pair, read_score
from .record import Record, TextSpan

SPAN_KEYS = ("spans", "entities", "ents")
LABEL_KEYS = ("intent", "label", "labels", "category", "cats", "gold_label")
SCORE_KEYS = (*SCORE_NAMES, "cats")
LONE_SURROGATE = re.compile("[\ud800-\udfff]")
Json = Mapping[str, Any]


def read_jsonl(path: Path, text: str, options: FormatOptions) -> list[Record]:
    """Read JSON lines: `{"text": ..., "spans": [...], "intent": ...}`.

    A span is `{"start", "end", "label"}` or `[start, end, label]`. Labels are a string, a number,
    a list of them (`intent`, `label`, `labels`, `category`), or numbers by name (`cats`). Two texts
    (`premise` and `hypothesis`, `sentence1` and `sentence2`, ...) make a pair.
    RAISES (DataError): a line is no JSON object, or a value has another type or range.
    """
    records = []
    # Only line feeds end a line: a text may hold other separators that splitlines() cuts at
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            reader = _RowReader(_parse(line, path=path, line=number), path, number, options)
            records.append(reader.read())
    return records


def _parse(text: str, *, path: Path, line: int) -> Json:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(Errors.SB621.format(path=path, line=line, got=error)) from error
    if not isinstance(value, dict):
        got = f"it is of type {type(value).__name__}"
        raise DataError(Errors.SB621.format(path=path, line=line, got=got))
    if LONE_SURROGATE.search(json.dumps(value, ensure_ascii=False)):
        raise DataError(Errors.SB624.format(path=path, line=line))
    return value


class _RowReader:
    """Reads one object; keeps path and line for messages."""

    def __init__(self, row: Json, path: Path, line: int, options: FormatOptions) -> None:
        self.row = row
        self.path = path
        self.line = line
        self.options = options

    def read(self) -> Record:
        text, second = self._read_texts()
        spans: tuple[TextSpan, ...] | None = None
        cats: dict[str, float] | None = None
        span_key = self._find_key(SPAN_KEYS, self.options.spans_column)
        keys = SCORE_KEYS if self.options.wants_scores else LABEL_KEYS
        label_key = self._find_key(keys, self.options.label_column)
        if span_key is None and label_key is not None and _is_span_list(self.row[label_key]):
            span_key, label_key = label_key, None
        if span_key is not None and self.options.wants_spans:
            spans = self._read_spans(span_key, n_chars=len(text))
        if self.options.wants_scores:
            cats = self._read_numbers(label_key or self.options.label_column or SCORE)
        elif label_key is not None and self.options.wants_cats:
            cats = self._read_cats(label_key)
        elif self.options.wants_one_label:
            check_exclusive({}, self.options, path=self.path, line=self.line)
        return Record(
            path=self.path, line=self.line, text=text, second=second, spans=spans, cats=cats
        )

    def _find_key(self, keys: tuple[str, ...], wanted: str | None) -> str | None:
        if wanted == NO_COLUMN:
            return None
        found = [key for key in ([wanted] if wanted else keys) if self.row.get(key) is not None]
        return found[0] if found else None

    def _read_texts(self) -> tuple[str, str | None]:
        names = find_pair(self.row, self.options, take_half=True)
        if names is None:
            if self.options.task == "pairs":
                got = ", ".join(self.row)
                raise DataError(Errors.SB856.format(path=f"{self.path}, line {self.line}", got=got))
            return self._read_text(), None
        texts = self.row.get(names[0]), self.row.get(names[1])
        return check_pair(texts, names, path=self.path, line=self.line)

    def _read_text(self) -> str:
        key = self.options.text_column or "text"
        text = self.row.get(key)
        if not isinstance(text, str):
            raise self._refuse(key, "a string", text)
        return text

    def _read_spans(self, key: str, *, n_chars: int) -> tuple[TextSpan, ...]:
        value = self.row[key]
        if not isinstance(value, list):
            raise self._refuse(key, "a list of spans", value)
        return tuple(self._read_span(key, item, n_chars=n_chars) for item in value)

    def _read_span(self, key: str, item: object, *, n_chars: int) -> TextSpan:
        if isinstance(item, dict):
            parts: list[Any] = [item.get("start"), item.get("end"), item.get("label")]
        else:
            parts = list(item) if isinstance(item, list) else []
        if len(parts) != 3 or not (_is_int(parts[0]) and _is_int(parts[1])):
            raise self._refuse(
                key, 'spans such as {"start": 0, "end": 4, "label": "PER"} or [0, 4, "PER"]', item
            )
        start, end, label = parts
        if not (isinstance(label, str) and label.strip()):
            raise self._refuse(key, "spans with a label that is a string", item)
        if not 0 <= start < end <= n_chars:
            raise DataError(
                Errors.SB623.format(
                    path=self.path,
                    line=self.line,
                    n_chars=n_chars,
                    start=start,
                    end=end,
                    label=label,
                )
            )
        return TextSpan(start, end, label.strip())

    def _read_cats(self, key: str) -> dict[str, float]:
        value = self.row[key]
        if isinstance(value, dict):
            return self._read_scores(key, value)
        items = value if isinstance(value, list) else [value]
        if not all(isinstance(item, str) or _is_int(item) for item in items):
            raise self._refuse(key, "a label, a number, or a list of them", value)
        if isinstance(value, str):
            items = split_labels(value, self.options)
        labels = [str(item).strip() for item in items]
        return resolve_labels(labels, self.options, path=self.path, line=self.line)

    def _read_numbers(self, key: str) -> dict[str, float]:
        """Read one score, or several by name."""
        value = self.row.get(key)
        items = value if isinstance(value, dict) else {SCORE if key == "label" else key: value}
        return {
            name: read_score(item, self.options, key=key, path=self.path, line=self.line)
            for name, item in items.items()
        }

    def _read_scores(self, key: str, value: Mapping[str, Any]) -> dict[str, float]:
        cats = {}
        for label, score in value.items():
            is_number = isinstance(score, (bool, int, float)) and math.isfinite(score)
            if not is_number or not 0 <= score <= 1:
                raise self._refuse(key, "numbers from 0 to 1 by label", value)
            cats[label] = float(score)
        names = self.options.labels
        if names is not None:
            strange = [label for label in cats if label not in names]
            resolve_labels(strange, self.options, path=self.path, line=self.line)
        check_exclusive(cats, self.options, path=self.path, line=self.line)
        return cats

    def _refuse(self, key: str, expected: str, value: object) -> DataError:
        # The shape of the value, not its content: messages go to logs, texts may be private
        got = "absent" if value is None else f"of type {type(value).__name__}"
        if isinstance(value, (list, dict)):
            got += f" with {len(value)} items"
        return DataError(
            Errors.SB622.format(path=self.path, line=self.line, key=key, expected=expected, got=got)
        )


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_span_list(value: object) -> bool:
    """Tell `"label": [[0, 4, "PER"]]` of annotation tools from a list of labels."""
    return isinstance(value, list) and bool(value) and isinstance(value[0], (list, dict))

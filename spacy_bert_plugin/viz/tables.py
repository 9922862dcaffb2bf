"""Tables of scores with bars, and confusion matrices, as HTML."""

from collections.abc import Sequence
from html import escape

from .contents import Confusion, Fact, LabelTable


def draw_facts(facts: Sequence[Fact], *, css_class: str) -> str:
    """Draw named values, as tiles or as a list: the style sheet decides."""
    items = (
        f"<div><dt>{escape(fact.name)}</dt><dd>{escape(fact.value)}</dd>"
        + (f"<dd class='note'>{escape(fact.note)}</dd>" if fact.note else "")
        + "</div>"
        for fact in facts
    )
    return f'<dl class="{css_class}">{"".join(items)}</dl>'


def draw_labels(table: LabelTable) -> str:
    """Draw the scores of each label: a bar for F, with numbers beside it.

    table (LabelTable): Rows, drawn in their order.
    RETURNS (str): A `<section>`.
    """
    rows = (
        f"<tr><th scope='row'>{escape(row.label)}</th>"
        f"<td class='bar'><span class='track'><span style='width:{100 * row.f:.1f}%'></span>"
        "</span></td>"
        f"<td><b>{_percent(row.f)}</b></td><td>{_percent(row.precision)}</td>"
        f"<td>{_percent(row.recall)}</td><td>{row.n:,}</td></tr>"
        for row in table.rows
    )
    note = f"<p class='note'>{escape(table.note)}</p>" if table.note else ""
    return (
        f"<section><h2>{escape(table.title)}</h2>{note}<div class='wide'><table class='labels'>"
        "<thead><tr><th>label</th><th class='bar'></th><th>F</th><th>precision</th>"
        f"<th>recall</th><th>n</th></tr></thead><tbody>{''.join(rows)}</tbody></table></div></section>"
    )


def draw_confusion(confusion: Confusion) -> str:
    """Draw how gold labels (rows) were read (columns). The darker, the larger the share of a row.

    confusion (Confusion): Counts.
    RETURNS (str): A `<section>`.
    """
    heads = "".join(
        f"<th class='tall'><span>{escape(name)}</span></th>" for name in confusion.labels
    )
    rows = "".join(
        f"<tr><th scope='row'>{escape(name)}</th>{_draw_cells(i, counts)}</tr>"
        for i, (name, counts) in enumerate(zip(confusion.labels, confusion.counts, strict=True))
    )
    return (
        f"<section><h2>{escape(confusion.title)}</h2>"
        "<p class='note'>Rows: gold. Columns: predicted. A dot is a zero.</p>"
        f"<div class='wide'><table class='confusion'><thead><tr><td></td>{heads}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div></section>"
    )


def _draw_cells(row: int, counts: Sequence[int]) -> str:
    largest = max(max(counts), 1)
    cells = (
        f"<td class='{'hit' if column == row else 'miss'}' style='--share:{count / largest:.2f}'>"
        f"{count:,}</td>"
        if count
        else "<td class='zero'>·</td>"
        for column, count in enumerate(counts)
    )
    return "".join(cells)


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"

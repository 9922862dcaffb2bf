"""A report as one HTML page that needs nothing else: no network, no scripts, no other files."""

from functools import cache
from html import escape
from importlib import resources

from .charts import draw_chart
from .contents import Report
from .dots import draw_dots
from .reliability import draw_reliability
from .sentences import draw_sentences
from .tables import draw_confusion, draw_facts, draw_labels


def draw_report(report: Report) -> str:
    """Draw a page. Parts without content are left out.

    report (Report): What stands on it.
    RETURNS (str): HTML.
    """
    parts = [f"<header><h1>{escape(report.title)}</h1><p>{escape(report.subtitle)}</p></header>"]
    if report.headline:
        parts.append(draw_facts(report.headline, css_class="tiles"))
    parts += [draw_labels(table) for table in report.tables]
    if report.dots:
        drawn = "".join(draw_dots(one) for one in report.dots)
        parts.append(
            "<section><h2>Measured several times</h2><p class='note'>A dot is one seed, a line "
            f"their mean.</p><div class='charts'>{drawn}</div></section>"
        )
    if report.charts:
        charts = "".join(draw_chart(chart) for chart in report.charts)
        parts.append(f"<section><h2>Training</h2><div class='charts'>{charts}</div></section>")
    if report.reliabilities:
        drawn = "".join(draw_reliability(one) for one in report.reliabilities)
        parts.append(
            "<section><h2>Do confidences tell the truth?</h2><p class='note'>Bars: the share of "
            "answers that are right, by how confident they were. The nearer the bars are to the "
            "marks (mean confidence), the better. Below: how many answers there are.</p>"
            f"<div class='charts'>{drawn}</div></section>"
        )
    parts += [draw_confusion(confusion) for confusion in report.confusions]
    if report.sentences:
        parts.append(draw_sentences(report.sentences, note=report.sentences_note))
    if report.facts:
        facts = draw_facts(report.facts, css_class="facts")
        parts.append(f"<section><h2>How this was made</h2>{facts}</section>")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(report.title)}</title>\n<style>\n{read_style()}</style>\n</head>\n"
        f"<body>\n<main>\n{chr(10).join(parts)}\n</main>\n</body>\n</html>\n"
    )


@cache
def read_style() -> str:
    """The style sheet that pages share."""
    return resources.files(__package__).joinpath("report.css").read_text(encoding="utf-8")

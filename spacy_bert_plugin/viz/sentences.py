"""Sentences with their spans highlighted by displaCy: as they should be read, as they were."""

from collections.abc import Sequence
from html import escape

from spacy import displacy

from .contents import Sentence, Span

# The braces are displaCy's; {bg} is the colour of the label and {fit} a class of ours.
MARK = '<mark class="entity {fit}" style="background:{bg}">{text}<small>{label}</small></mark>'
# Neighbours in the list of labels get unlike hues. Text on them is dark in every theme.
HUES = (210, 45, 140, 330, 20, 180, 265, 75, 0, 230, 110, 300, 160, 60, 195, 350, 90, 250, 30, 280)


def pick_colours(labels: Sequence[str]) -> dict[str, str]:
    """One light colour for each label, the same for the same list of labels."""
    names = sorted(set(labels))
    return {
        name: f"hsl({HUES[i % len(HUES)]}, 75%, {84 if i < len(HUES) else 74}%)"
        for i, name in enumerate(names)
    }


def draw_sentences(sentences: Sequence[Sentence], *, note: str = "") -> str:
    """Draw sentences, each once where gold and prediction agree and twice where they do not.

    sentences (Sequence[Sentence]): Drawn in their order.
    note (str): Which sentences these are.
    RETURNS (str): A `<section>`.
    """
    spans = [span for sentence in sentences for span in (*sentence.gold, *sentence.predicted)]
    colours = pick_colours([span.label for span in spans])
    items = "".join(_draw_sentence(sentence, colours) for sentence in sentences)
    return (
        f"<section><h2>Test sentences</h2><p class='note'>{escape(note)}</p>"
        f"<ol class='sentences'>{items}</ol></section>"
    )


def _draw_sentence(sentence: Sentence, colours: dict[str, str]) -> str:
    if sentence.is_right:
        body = _draw_reading(
            "", sentence.predicted_label, sentence.text, sentence.predicted, colours
        )
        return f"<li class='right'>{body}</li>"
    gold = _draw_reading("gold", sentence.gold_label, sentence.text, sentence.gold, colours)
    wrong_label = sentence.gold_label != sentence.predicted_label
    predicted = _draw_reading(
        "predicted",
        sentence.predicted_label,
        sentence.text,
        sentence.predicted,
        colours,
        wrong_label,
    )
    return f"<li class='wrong'>{gold}{predicted}</li>"


def _draw_reading(
    name: str,
    label: str,
    text: str,
    spans: Sequence[Span],
    colours: dict[str, str],
    is_wrong: bool = False,
) -> str:
    # Three cells of the grid that each sentence is, so that both readings line up.
    chip = f"<span class='chip{' off' if is_wrong else ''}'>{escape(label)}</span>"
    cells = f"<span class='who'>{name}</span><span>{chip if label else ''}</span>"
    return f"<div class='reading'>{cells}{highlight(text, spans, colours)}</div>"


def highlight(text: str, spans: Sequence[Span], colours: dict[str, str]) -> str:
    """Highlight the spans of a text.

    text (str): The text; whatever HTML it holds is shown, not obeyed.
    spans (Sequence[Span]): Sorted and without overlaps.
    colours (dict): Label -> CSS colour.
    RETURNS (str): displaCy's markup.
    """
    ents = [
        {
            "start": span.start,
            "end": span.end,
            "label": escape(span.label),
            "params": {"fit": "same" if span.is_right else "off"},
        }
        for span in spans
    ]
    options = {"colors": {escape(k): v for k, v in colours.items()}, "template": MARK}
    doc = {"text": text, "ents": ents, "title": None}
    return str(displacy.render(doc, style="ent", manual=True, options=options, jupyter=False))

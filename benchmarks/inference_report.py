"""What `inference.py` found, as tables, a JSON file and a picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from report import print_table, write_json
from systems import BARE, KINDS, OURS, PEER, Contestant, find_of_kind

from spacy_bert_plugin.cli.measure.result import Result, Summary
from spacy_bert_plugin.cli.measure.spread import Spread, ratio_of, show_ratio
from spacy_bert_plugin.viz.speed import Bar, Panel, write_speed


@dataclass(frozen=True)
class Findings:
    """Everything that was measured.

    texts (dict): How much text there is.
    contestants, single_contestants (Sequence): What ran on all texts, and on one sentence.
    speed, latency (Result): What came of it.
    vectors (dict): Differences of token vectors from those of the padded reference, by system.
    shape (str), config (Path): Name and config of the encoder.
    peak_tflops (float | None): What the card can do; None on a processor.
    """

    texts: dict[str, Any]
    contestants: Sequence[Contestant]
    speed: Result
    single_contestants: Sequence[Contestant]
    latency: Result
    vectors: dict[str, dict[str, float]]
    shape: str
    config: Path
    peak_tflops: float | None = None


def write_report(
    findings: Findings,
    path: Path,
    *,
    machine: dict[str, Any],
    foot: str,
    settings: dict[str, Any],
) -> None:
    """Print the tables, write JSON and picture."""
    to_peer, to_bare = compare_speed(findings)
    summaries = {summary.name: summary for summary in findings.speed.summarise()}
    singles = {summary.name: summary for summary in findings.latency.summarise()}
    cards = measure_card_share(findings, summaries)
    print_speed(findings, summaries, to_peer, to_bare, cards)
    print_latency(findings, singles)
    print_agreement(findings, summaries)
    print(foot)
    write_json(
        path,
        {
            "machine": machine,
            "encoder": findings.shape,
            "texts": findings.texts,
            "settings": settings,
            "words_are": "spaCy tokens",
            "systems": {
                name: {
                    **summary.to_json(),
                    "times_as_fast_as_peer": to_json(to_peer.get(name)),
                    "share_of_bare_encoder": to_json(to_bare.get(name)),
                    **({"share_of_card": round(cards[name], 4)} if name in cards else {}),
                    "token_vectors_against_padded": findings.vectors.get(name),
                }
                for name, summary in summaries.items()
            },
            "latency_of_one_sentence": {
                name: {"ms_p50": summary.p50.to_json(), "ms_p95": summary.p95.to_json()}
                for name, summary in singles.items()
            },
            "failed": {**findings.speed.failed, **findings.latency.failed},
        },
    )
    title = f"{findings.shape} on {findings.texts['texts']} mixed texts"
    picture = path.with_suffix(".png")
    write_speed(picture, title, make_panels(findings, summaries, singles), foot=foot)
    print(f"written: {picture}")


def compare_speed(findings: Findings) -> tuple[dict[str, Spread], dict[str, Spread]]:
    """How fast each is beside the peer at its best, and beside the bare encoder of its precision.

    RETURNS (tuple): Two ratios by system, where there is something to compare with.
    """
    rates = findings.speed.rates()
    peers = [c.system.name for c in find_of_kind(findings.contestants, PEER, "fp32")]
    peers = [name for name in peers if name in rates]
    best = max(peers, key=lambda name: max(rates[name]), default="")
    to_peer = {name: ratio_of(v, rates[best]) for name, v in rates.items() if best}
    to_bare: dict[str, Spread] = {}
    for contestant in findings.contestants:
        bare = find_of_kind(findings.contestants, BARE, contestant.precision)
        names = [b.system.name for b in bare if b.system.name in rates]
        if contestant.kind == OURS and contestant.system.name in rates and names:
            name = contestant.system.name
            to_bare[name] = ratio_of(rates[name], rates[names[0]])
    return to_peer, to_bare


def measure_card_share(findings: Findings, summaries: dict[str, Summary]) -> dict[str, float]:
    """Share of what the card can compute in bf16 that went into linear maps and attention."""
    if findings.peak_tflops is None:
        return {}
    config = json.loads(findings.config.read_text(encoding="utf8"))
    length = findings.texts["pieces"] / findings.texts["texts"]
    flops = count_flops(config, length=length)
    return {
        name: summary.pieces.median * flops / (1e12 * findings.peak_tflops)
        for name, summary in summaries.items()
        if summary.pieces is not None
    }


def count_flops(config: dict[str, Any], *, length: float) -> float:
    """Floating-point operations of a forward pass for each piece, in windows of a mean length."""
    width, hidden = config["hidden_size"], config["intermediate_size"]
    linear = 2 * (4 * width * width + 2 * width * hidden)
    return float(config["num_hidden_layers"] * (linear + 4 * width * length))


def print_speed(
    findings: Findings,
    summaries: dict[str, Summary],
    to_peer: dict[str, Spread],
    to_bare: dict[str, Spread],
    cards: dict[str, float],
) -> None:
    """The table of speed."""
    header = ["system", "words/s", "95 % interval", "pieces/s", f"times {PEER}", "share of bare"]
    rows = []
    for name, summary in summaries.items():
        row = [
            name,
            f"{summary.words.median:,.0f}",
            f"{summary.words.low:,.0f} to {summary.words.high:,.0f}",
            f"{summary.pieces.median:,.0f}" if summary.pieces else "",
            show_ratio(to_peer.get(name)),
            show_ratio(to_bare.get(name)),
            f"{summary.peak_mib:,.0f}" if summary.peak_mib else "",
        ]
        rows.append([*row, f"{cards[name]:.1%}"] if name in cards else row)
    header.append("peak MiB")
    if cards:
        header.append("share of card")
    rows += [[name, "failed", *[""] * (len(header) - 2)] for name in findings.speed.failed]
    print_table(header, rows)
    for name, reason in findings.speed.failed.items():
        print(f"{name}: {reason.splitlines()[0]}")


def print_latency(findings: Findings, singles: dict[str, Summary]) -> None:
    """The table of one sentence, with what it may take by the bare encoder and by the peer."""
    rows = []
    peers = {
        c.has_heads: singles[c.system.name].p50.median
        for c in find_of_kind(findings.single_contestants, PEER, "fp32")
        if c.system.name in singles
    }
    for contestant in findings.single_contestants:
        name = contestant.system.name
        if name not in singles:
            continue
        p50, p95 = singles[name].p50, singles[name].p95
        bare = find_of_kind(findings.single_contestants, BARE, contestant.precision)
        bares = [singles[b.system.name].p50.median for b in bare if b.system.name in singles]
        is_ours = contestant.kind == OURS
        peer = peers.get(contestant.has_heads)
        rows.append(
            (
                name,
                f"{p50.median:.2f}",
                f"{p50.low:.2f} to {p50.high:.2f}",
                f"{p95.median:.2f}",
                f"{p50.median - bares[0]:+.2f}" if is_ours and bares else "",
                f"{p50.median / peer:.2f}" if is_ours and peer else "",
            )
        )
    header = ("one sentence of 12 words", "p50 ms", "95 % interval", "p95 ms")
    print_table((*header, "ms over bare", f"part of {PEER}"), rows)


def print_agreement(findings: Findings, summaries: dict[str, Summary]) -> None:
    """The tables of outputs and of token vectors."""
    rows = []
    for contestant in findings.contestants:
        name = contestant.system.name
        found = summaries[name].agreement if name in summaries else None
        if found is not None:
            rows.append(
                (
                    name,
                    contestant.system.reference,
                    show(found.entities_f, ".2%"),
                    show(found.cats_same, ".2%"),
                    show(found.cats_difference, ".1e"),
                    show(found.cosine, ".5f"),
                )
            )
    header = ("outputs", "against", "entities F", "same category", "probability within", "cosine")
    print_table(header, rows)
    print_table(
        ("against the padded reference", "max diff", "max diff, short", "same, short", "cosine"),
        [
            (
                name,
                f"{numbers['max_difference']:.1e}",
                f"{numbers['max_difference_short_texts']:.1e}",
                f"{numbers['share_within_1e-4_short_texts']:.1%}",
                f"{numbers['mean_cosine']:.5f}",
            )
            for name, numbers in findings.vectors.items()
        ],
    )


def make_panels(
    findings: Findings, summaries: dict[str, Summary], singles: dict[str, Summary]
) -> list[Panel]:
    """Bars of speed and of latency, a colour for each kind of system."""
    kinds = {
        c.system.name: KINDS[c.kind] for c in (*findings.contestants, *findings.single_contestants)
    }
    words = [(name, s.words, f"{s.words.median:,.0f}") for name, s in summaries.items()]
    sentence = [(name, s.p50, f"{s.p50.median:.1f} ms") for name, s in singles.items()]
    return [
        Panel(title, unit, tuple(make_bar(*row, kinds[row[0]]) for row in rows))
        for title, unit, rows in (
            ("Many texts", "words/s, more is better", words),
            ("One sentence of 12 words", "milliseconds, less is better", sentence),
        )
    ]


def make_bar(name: str, spread: Spread, text: str, colour: int) -> Bar:
    """One system."""
    return Bar(name, spread.median, spread.low, spread.high, text, colour)


def show(value: float | None, form: str) -> str:
    """A number, or nothing."""
    return "" if value is None else format(value, form)


def to_json(spread: Spread | None) -> dict[str, float] | None:
    """The numbers of a spread, or nothing."""
    return None if spread is None else spread.to_json()

"""What was measured, and what it means: rates, ratios, latencies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .agreement import Agreement
from .spread import Spread, ratio_of, spread_of

MIB = 2**20


@dataclass(frozen=True)
class Turn:
    """One round of one system.

    seconds (float): All texts.
    singles (Sequence[float]): Seconds of each text that was run alone.
    """

    seconds: float
    singles: Sequence[float]


@dataclass
class Measured:
    """What is known of one system.

    n_passes (int): How often a round runs the texts.
    load_seconds (float): From a fresh process to a loaded pipeline, imports included.
    loaded_bytes (int | None): Resident memory after that.
    components (list | None): Of a spaCy pipeline; None for anything else.
    memory (dict): `peak_bytes` and `gpu_peak_bytes`; None where nobody counts.
    agreement (Agreement | None): With another pipeline; None for the one compared with.
    """

    name: str
    batch_size: int
    n_passes: int
    load_seconds: float
    loaded_bytes: int | None = None
    components: list[str] | None = None
    turns: list[Turn] = field(default_factory=list)
    memory: dict[str, int | None] = field(default_factory=dict)
    agreement: Agreement | None = None

    def rates(self, n_units: int) -> list[float]:
        """Units a second in each round, where one pass over the texts has so many."""
        return [self.n_passes * n_units / turn.seconds for turn in self.turns]

    def latencies(self, percentile: float) -> list[float]:
        """A percentile of the milliseconds of single texts, in each round."""
        return [1000 * float(np.percentile(turn.singles, percentile)) for turn in self.turns]


@dataclass(frozen=True)
class Result:
    """A whole benchmark.

    systems (list): In the order in which they were given; those that failed are left out.
    failed (dict): Why, by name.
    n_words (int): spaCy tokens of all texts, by the first pipeline's tokenizer.
    n_pieces (int | None): Pieces of all texts, special ones left out, by the tokenizer of the
        first `bert_transformer`; None if there is none.
    """

    systems: list[Measured]
    failed: dict[str, str]
    n_texts: int
    n_words: int
    n_pieces: int | None

    def rates(self) -> dict[str, list[float]]:
        """Words a second of each system in each round."""
        return {system.name: system.rates(self.n_words) for system in self.systems}

    def summarise(self) -> list[Summary]:
        """The numbers of each system, with their spread."""
        return [self._summarise(system) for system in self.systems]

    def _summarise(self, system: Measured) -> Summary:
        first = self.systems[0]
        words = system.rates(self.n_words)
        return Summary(
            name=system.name,
            words=spread_of(words),
            pieces=None if self.n_pieces is None else spread_of(system.rates(self.n_pieces)),
            ratio=ratio_of(words, first.rates(self.n_words)),
            p50=spread_of(system.latencies(50)),
            p95=spread_of(system.latencies(95)),
            p50_ratio=ratio_of(system.latencies(50), first.latencies(50)),
            peak_mib=_to_mib(system.memory.get("peak_bytes")),
            loaded_mib=_to_mib(system.loaded_bytes),
            gpu_peak_mib=_to_mib(system.memory.get("gpu_peak_bytes")),
            load_seconds=system.load_seconds,
            batch_size=system.batch_size,
            n_batches=-(-system.n_passes * self.n_texts // system.batch_size),
            components=system.components,
            agreement=system.agreement,
            rounds=words,
        )


@dataclass(frozen=True)
class Summary:
    """One system as it is reported.

    words, pieces (Spread): A second, over the rounds.
    ratio (Spread): Words a second, those of the first system = 1.
    p50, p95 (Spread): Milliseconds of texts that are run alone.
    p50_ratio (Spread): The median of those, the first system's = 1.
    n_batches (int): In a round.
    rounds (Sequence[float]): Words a second of each.
    """

    name: str
    words: Spread
    pieces: Spread | None
    ratio: Spread
    p50: Spread
    p95: Spread
    p50_ratio: Spread
    peak_mib: float | None
    loaded_mib: float | None
    gpu_peak_mib: float | None
    load_seconds: float
    batch_size: int
    n_batches: int
    components: list[str] | None
    agreement: Agreement | None
    rounds: Sequence[float]

    def to_json(self) -> dict[str, Any]:
        """The numbers with four significant digits."""
        return {
            "words_per_second": self.words.to_json(),
            "pieces_per_second": self.pieces and self.pieces.to_json(),
            "times_as_fast_as_first": self.ratio.to_json(),
            "latency_ms_p50": self.p50.to_json(),
            "latency_ms_p95": self.p95.to_json(),
            "latency_p50_over_first": self.p50_ratio.to_json(),
            "peak_mib": self.peak_mib,
            "loaded_mib": self.loaded_mib,
            "gpu_peak_mib": self.gpu_peak_mib,
            "load_seconds": round(self.load_seconds, 3),
            "batch_size": self.batch_size,
            "batches_per_round": self.n_batches,
            "components": self.components,
            "agreement": self.agreement and self.agreement.to_json(),
            "words_per_second_by_round": [float(f"{rate:.4g}") for rate in self.rounds],
        }


def _to_mib(n_bytes: int | None) -> float | None:
    return None if n_bytes is None else round(n_bytes / MIB, 1)

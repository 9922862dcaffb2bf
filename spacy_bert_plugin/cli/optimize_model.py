"""What `spacy-bert optimize` does: write a pipeline, then score, compare and time both."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Errors, SettingError

if TYPE_CHECKING:
    from spacy.language import Language

    from ..compression import Likeness
    from .measure.agreement import Agreement
    from .measure.spread import Spread

N_TEXTS = 200


@dataclass(frozen=True)
class Limits:
    """How much is measured, and how much may be lost.

    texts (Path | None): What to compare outputs and speed on; None: the texts of `data`, or
        example sentences.
    n_texts (int): Most of them; 0: all.
    n_rounds (int): Times that each pipeline runs over them.
    data (Path | None): Annotated texts to score both pipelines on.
    metrics (Sequence[str]): Scores that must not drop; none: those of the components.
    bound (float): Points (hundredths of a score) that they may drop.
    """

    texts: Path | None = None
    n_texts: int = N_TEXTS
    n_rounds: int = 5
    data: Path | None = None
    metrics: Sequence[str] = ()
    bound: float = 0.5


@dataclass
class Report:
    """What has become of a pipeline; in a pair, the original comes first.

    precision, sizes, encoder_sizes: Settings; bytes of the folders, and of what is in them of
        components with an encoder.
    scores: By metric.
    agreement, likeness: Of the outputs and of the vectors of tokens, None where nothing was run.
    n_texts: What these were compared on.
    rates, ratio: Words a second, and how many times as fast the new pipeline is.
    """

    precision: tuple[str, str]
    sizes: tuple[int, int]
    encoder_sizes: tuple[int, int]
    scores: dict[str, tuple[float, float]] = field(default_factory=dict)
    agreement: Agreement | None = None
    likeness: Likeness | None = None
    n_texts: int = 0
    rates: tuple[Spread, Spread] | None = None
    ratio: Spread | None = None


def optimize_model(
    model: str,
    output: Path,
    *,
    precision: str,
    skip: list[str] | None = None,
    limits: Limits | None = None,
    use_force: bool = False,
    use_check: bool = True,
    gpu_id: int = -1,
    tell: Callable[[str], None] | None = None,
) -> Report:
    """Write a pipeline in another precision, unless it loses too much by it.

    model (str): Folder or package of the original, which is not touched.
    output (Path): Folder to write.
    precision (str): "fp32", "bf16", "fp16" or "int8".
    skip (list[str] | None): Maps that stay out of int8; None: those of the config.
    limits (Limits | None): What to measure, and how much may be lost.
    use_force (bool): Whether to replace a pipeline that is there.
    use_check (bool): Whether to run the new pipeline before it is kept.
    gpu_id (int): The GPU to use; -1: none.
    tell (Callable | None): Told what is done next.
    RETURNS (Report): What was measured.
    RAISES (SettingError): It cannot be written there, the machine lacks the precision, or a score
        drops by more than the bound. Nothing was written.
    RAISES (DataError): The texts cannot be read. Nothing was written.
    """
    import spacy

    from ..compression import check_output, optimize_pipeline

    limits = Limits() if limits is None else limits
    tell = _keep_silent if tell is None else tell
    _check_limits(limits, use_check=use_check)
    if gpu_id >= 0:
        spacy.require_gpu(gpu_id)
    tell(f"Loading {model}")
    nlp = spacy.load(model)
    check_output(nlp.path, output, use_force=use_force)
    texts = _choose_texts(nlp, limits) if use_check else []
    with optimize_pipeline(
        nlp, output, precision=precision, skip=skip, use_check=use_check
    ) as staged:
        report = _describe(nlp, staged, precision=precision)
        optimized = spacy.load(staged)
        if use_check:
            if limits.data is not None:
                tell(f"Scoring both pipelines on {limits.data}")
            _score(report, nlp, optimized, limits)
            tell(f"Comparing and timing both on {len(texts)} texts")
            _compare(report, nlp, optimized, texts)
            _time(report, nlp, optimized, texts, n_rounds=limits.n_rounds)
    return report


def _describe(nlp: Language, staged: Path, *, precision: str) -> Report:
    """Settings and sizes of both pipelines."""
    from ..compression import find_encoders, find_precision, measure_components, measure_folder

    names = list(find_encoders(nlp))
    return Report(
        precision=(find_precision(nlp), precision),
        sizes=(measure_folder(nlp.path), measure_folder(staged)),
        encoder_sizes=(measure_components(nlp.path, names), measure_components(staged, names)),
    )


def _keep_silent(step: str) -> None:
    pass


def _check_limits(limits: Limits, *, use_check: bool) -> None:
    """RAISES (SettingError): Options that do not go together."""
    if limits.metrics and limits.data is None:
        raise SettingError(Errors.SB735.format(got="--metric"))
    given = limits.data or limits.texts
    if given is not None and not use_check:
        raise SettingError(Errors.SB737.format(path=given))


def _choose_texts(nlp: Language, limits: Limits) -> list[str]:
    from ..compression import sample_texts
    from ..training.corpora import build_corpus_v1
    from .measure.texts import read_texts

    if limits.texts is not None:
        return read_texts([limits.texts], n_texts=limits.n_texts)
    if limits.data is not None:
        read = build_corpus_v1(limits.data, limit=limits.n_texts)
        return [example.reference.text for example in read(nlp)]
    return sample_texts(nlp.lang, n_texts=limits.n_texts or N_TEXTS)


def _score(report: Report, nlp: Language, optimized: Language, limits: Limits) -> None:
    """Score both pipelines where there is data. RAISES (SettingError): A score drops too far."""
    from ..compression import check_scores, choose_metrics, score_pipeline

    data = limits.data
    if data is None:
        return
    before = score_pipeline(nlp, data)
    metrics = choose_metrics(nlp, before, named=limits.metrics, data=data)
    after = score_pipeline(optimized, data)
    report.scores = check_scores(
        before, after, metrics, bound=limits.bound, precision=report.precision[1], data=data
    )


def _compare(report: Report, nlp: Language, optimized: Language, texts: Sequence[str]) -> None:
    """Hold outputs and vectors of the two side by side."""
    from ..compression import compare_vectors
    from .measure.agreement import compare_outputs
    from .measure.outputs import collect_outputs

    one, other = (collect_outputs(pipeline.pipe(texts)) for pipeline in (nlp, optimized))
    report.n_texts = len(texts)
    report.agreement = compare_outputs(one, other)
    report.likeness = compare_vectors(nlp, optimized, texts)


def _time(
    report: Report, nlp: Language, optimized: Language, texts: Sequence[str], *, n_rounds: int
) -> None:
    """Measure words a second, the two pipelines taking turns."""
    from .measure.rounds import take_turns
    from .measure.spread import ratio_of, spread_of

    turns = {"original": _make_turn(nlp, texts), "optimized": _make_turn(optimized, texts)}
    rates = take_turns(turns, n_rounds=n_rounds)
    report.rates = spread_of(rates["original"]), spread_of(rates["optimized"])
    report.ratio = ratio_of(rates["optimized"], rates["original"])


def _make_turn(nlp: Language, texts: Sequence[str]) -> Callable[[], float]:
    """One run over all texts. The callable RETURNS (float): Words a second."""

    def run() -> float:
        start = time.perf_counter()
        n_words = sum(len(doc) for doc in nlp.pipe(texts))
        return n_words / max(time.perf_counter() - start, 1e-9)

    return run

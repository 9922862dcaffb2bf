"""From a config to a pretrained encoder."""

import json
from hashlib import blake2b
from pathlib import Path
from typing import Any

import torch

from ..batching import check_precision
from ..pieces import PieceTokenizer
from ..training.folders import remove_folder
from ..training.output import RunFolder
from .batches import Collator, PretrainingBatch
from .encoders import make_model
from .evaluate import score_baselines
from .frame import Frame, make_frame
from .hooks import PretrainingHooks, PretrainingOutcome
from .model import PretrainingModel
from .run import PretrainingRun
from .settings import CorpusT, PretrainingPlan, make_plan
from .store import PieceStore, make_store, open_store
from .stream import StepStream
from .windows import WindowPlanner

STORES = "pieces"


def pretrain(
    config: Any,
    output: Path,
    *,
    use_gpu: int = -1,
    resume: bool = False,
    hooks: PretrainingHooks | None = None,
) -> PretrainingOutcome:
    """Pretrain an encoder.

    config (Config): With the sections [pretraining] and [corpora]; see `make_plan`.
    output (Path): Folder of the run. What an earlier run has left there is replaced, unless it
        goes on: see `RunFolder.check`.
    use_gpu (int): GPU; below 0: none.
    resume (bool): Go on with the run in `output`.
    hooks (PretrainingHooks): Who wants to know what happens.
    RETURNS (PretrainingOutcome): Where and why it ended. The encoder is in `output`.
    RAISES (SettingError, DataError, CheckpointError): It cannot begin, or cannot be saved.
        (TrainingError): It has diverged.
    """
    hooks = hooks or PretrainingHooks()
    plan = make_plan(config)
    device = torch.device(f"cuda:{use_gpu}" if use_gpu >= 0 else "cpu")
    dtype = check_precision(plan.run.precision, device)
    torch.manual_seed(plan.run.seed)
    model = make_model(
        plan.encoder, use_words=plan.masking.weight > 0, use_pairs=plan.pairs.weight > 0
    )
    frame = make_frame(model.checkpoint.tokenizer)
    frame.check_size(plan.run.max_pieces, limit=model.encoder.config.max_pieces)
    model.to(device)
    folder = RunFolder(output)
    if not resume:
        folder.clear()
        remove_folder(output / STORES)
    stream = _make_stream(plan, plan.corpus, model, frame, output, "train", hooks)
    held_out: list[PretrainingBatch] = []
    baselines = None
    if plan.dev_corpus is not None:
        dev = _make_stream(plan, plan.dev_corpus, model, frame, output, "dev", hooks)
        held_out = draw_questions(dev, n_pieces=plan.run.eval_pieces)
        baselines = score_baselines(stream.planner.store, held_out, frame=frame)
    run = PretrainingRun(
        plan,
        model,
        stream,
        held_out=held_out,
        baselines=baselines,
        folder=folder,
        dtype=dtype,
        hooks=hooks,
    )
    if resume:
        run.restore()
    hooks.on_start(_describe(model, stream, plan, dtype), run.progress.step)
    return run.go()


def draw_questions(stream: StepStream, *, n_pieces: int) -> list[PretrainingBatch]:
    """Draw windows of a corpus and mask them, the same ones for the same seed.

    stream: Of the corpus.
    n_pieces: How many pieces at most.
    """
    batches: list[PretrainingBatch] = []
    n_drawn = 0
    for step in stream.iter_steps():
        if step.epoch or n_drawn >= n_pieces:
            break
        batches += step.batches
        n_drawn += step.n_pieces
    return batches


def _make_stream(
    plan: PretrainingPlan,
    corpus: CorpusT,
    model: PretrainingModel,
    frame: Frame,
    output: Path,
    name: str,
    hooks: PretrainingHooks,
) -> StepStream:
    run, encoder = plan.run, model.encoder
    store = _find_store(corpus, model.checkpoint.tokenizer, output / STORES / name, name, hooks)
    planner = WindowPlanner(store, frame, run.max_pieces, plan.pairs, short_share=run.short_share)
    planner.check()
    masking = plan.masking if name == "train" else plan.masking.for_dev()
    collator = Collator(store, frame, masking, use_segments=encoder.config.n_segments > 1)
    return StepStream(
        planner,
        collator,
        seed=run.seed,
        step_pieces=run.step_pieces,
        batch_pieces=min(run.batch_pieces, run.step_pieces),
        max_epochs=run.max_epochs if name == "train" else 1,
    )


def _find_store(
    corpus: CorpusT, tokenizer: PieceTokenizer, path: Path, name: str, hooks: PretrainingHooks
) -> PieceStore:
    """The corpus as pieces: as an earlier run has left it, or made now."""
    describe = getattr(corpus, "describe", None)
    # Of somebody else's reader nobody knows whether it would give the same again.
    facts = {} if describe is None else describe()
    text = json.dumps([facts, tokenizer.json], sort_keys=True)
    key = blake2b(text.encode(), digest_size=16).hexdigest()
    store = open_store(path, key=key) if facts else None
    if store is not None:
        return store
    return make_store(
        corpus(), tokenizer, path, key=key, progress=lambda n: hooks.on_corpus(name, n)
    )


def _describe(
    model: PretrainingModel, stream: StepStream, plan: PretrainingPlan, dtype: torch.dtype
) -> dict[str, str]:
    store, sizes = stream.planner.store, model.encoder.config
    n_params = sum(param.numel() for _, param in model.named_parameters())
    return {
        "corpus": f"{len(store.pieces):,} pieces, {len(store.sentences) - 1:,} sentences, "
        f"{store.n_documents:,} documents",
        "encoder": f"{sizes.n_layers} layers of width {sizes.width}, {sizes.vocab_size:,} pieces, "
        f"{n_params / 1e6:.1f} M parameters with heads",
        "begins with": plan.encoder.name or "random weights",
        "computed in": str(dtype).removeprefix("torch."),
    }

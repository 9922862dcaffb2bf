"""The encoder in int8: ONNX Runtime against PyTorch's own kernels, in speed and in agreement.

    python benchmarks/int8.py --checkpoint encoders/minilm-l6 --data-dir ../shared/data

All systems run in this process, in interleaved rounds, on prepared batches of the same windows.
ONNX Runtime pads, so it gets windows of equal length; the packed encoder gets batches as the
pipeline plans them. Besides pieces a second of the wall clock, pieces a second of processor time
are shown: where other programs run, those say more.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import spacy
import torch
from machine import describe_line, describe_machine
from options import make_parser
from report import RESULTS, draw_bars, print_table, write_json
from spread import spread_of
from texts import mixed_texts

from spacy_bert_plugin._compat import import_optional
from spacy_bert_plugin.batching import plan_batches
from spacy_bert_plugin.encoder import BertEncoder, PackedInput, pack
from spacy_bert_plugin.encoder.quantized import MAPS, Quantization
from spacy_bert_plugin.interop.onnx import export_onnx
from spacy_bert_plugin.layers import get_shim

# Maps that an exported file keeps in fp32, by the name of the variant.
FILES: dict[str, tuple[str, tuple[str, ...]]] = {
    "fp32": ("fp32", ()),
    "int8": ("int8", ()),
    **{f"int8, {name} fp32": ("int8", (name,)) for name in MAPS},
}
# The packed encoder: type of what is not quantised, and which maps are not; None: none is.
TORCH: dict[str, tuple[torch.dtype, tuple[str, ...] | None]] = {
    "fp32": (torch.float32, None),
    "bf16": (torch.bfloat16, None),
    "int8": (torch.bfloat16, ()),
    "int8, down bf16": (torch.bfloat16, ("down",)),
}
RunT = Callable[[], None]


def main() -> None:
    """Measure, print, and write the results."""
    arguments = parse_arguments()
    import_optional("onnxruntime", purpose="This benchmark")
    nlp = spacy.blank("en")
    nlp.add_pipe("bert_transformer", config={"model": {"name": str(arguments.checkpoint)}})
    nlp.initialize()
    checkpoint = get_shim(nlp.get_pipe("bert_transformer").model).checkpoint
    encoder: Any = checkpoint.encoder
    texts = mixed_texts(arguments.data_dir, n_texts=arguments.texts, seed=arguments.seed)
    windows = make_windows(checkpoint.tokenizer, texts, encoder.config.max_pieces)
    machine = describe_machine(threads=max(arguments.threads))
    with tempfile.TemporaryDirectory() as name:
        runs, agreement = {}, {}
        for variant in arguments.onnx:
            precision, skip = FILES[variant]
            path = Path(name) / variant.replace(", ", "-").replace(" ", "-")
            export_onnx(nlp, path, precision=precision, skip=skip)
            system = OnnxSystem(path / "model.onnx", windows, arguments.batch_pieces)
            for how in plan_threads(arguments.threads):
                runs[f"ONNX Runtime, {variant}, {how}"] = partial(system.run, how)
            agreement[f"ONNX Runtime, {variant}"] = system.vectors()
        for variant in arguments.torch:
            dtype, skip = TORCH[variant]
            packed = TorchSystem(encoder, windows, arguments.batch_pieces, dtype, skip)
            for how in plan_threads(arguments.threads):
                runs[f"packed, {variant}, {how}"] = partial(packed.run, how)
            agreement[f"packed, {variant}"] = packed.vectors()
        expected = TorchSystem(encoder, windows, 1, torch.float32, None).vectors()
        seconds, processor = take_turns(runs, n_rounds=arguments.rounds)
    cosines = {name: compare(vectors, expected) for name, vectors in agreement.items()}
    report(arguments, machine, sum(map(len, windows)), seconds, processor, cosines)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__)
    parser.add_argument("--texts", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch-pieces", type=int, default=1024)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, os.cpu_count() or 1])
    parser.add_argument("--onnx", nargs="*", default=list(FILES), choices=list(FILES))
    parser.add_argument("--torch", nargs="*", default=list(TORCH), choices=list(TORCH))
    parser.add_argument("--name", default="int8", help="name of the result files")
    return parser.parse_args()


def plan_threads(threads: Sequence[int]) -> list[str]:
    """Ways to use processors: n threads for one batch, or n batches at once."""
    ways = [f"{n} thread{'s' * (n > 1)}" for n in dict.fromkeys(threads)]
    return ways + [f"{n} workers" for n in dict.fromkeys(threads) if n > 1]


def make_windows(tokenizer: Any, texts: list[str], longest: int) -> list[list[int]]:
    """One window a text, shortened where it is too long."""
    room = longest - tokenizer.n_special
    return [
        [*tokenizer.prefix_ids, *pieces.ids[:room].tolist(), *tokenizer.suffix_ids]
        for pieces in tokenizer.encode(texts)
    ]


class OnnxSystem:
    """An exported file over windows of equal length."""

    def __init__(self, path: Path, windows: list[list[int]], budget: int) -> None:
        self.path, self.sessions = path, dict[int, Any]()
        self.batches: list[tuple[list[int], dict[str, np.ndarray]]] = []
        order = sorted(range(len(windows)), key=lambda index: len(windows[index]))
        for length, run in groupby(order, key=lambda index: len(windows[index])):
            same = list(run)
            most = max(budget // length, 1)
            for begin in range(0, len(same), most):
                chosen = same[begin : begin + most]
                ids = np.array([windows[index] for index in chosen], dtype=np.int64)
                self.batches.append((chosen, {"ids": ids, "mask": np.ones_like(ids)}))

    def run(self, how: str) -> None:
        """Run all batches."""
        n, is_workers = int(how.split()[0]), how.endswith("workers")
        session = self._open(1 if is_workers else n)
        run_all([partial(session.run, None, feeds) for _, feeds in self.batches], n * is_workers)

    def vectors(self) -> np.ndarray:
        """Vectors of all pieces, in the order of the windows. Shape: (n_pieces, width)"""
        session, found = self._open(1), dict[int, np.ndarray]()
        for chosen, feeds in self.batches:
            found.update(zip(chosen, session.run(None, feeds)[0], strict=True))
        return np.concatenate([found[index] for index in sorted(found)])

    def _open(self, threads: int) -> Any:
        if threads not in self.sessions:
            runtime = import_optional("onnxruntime", purpose="This benchmark")
            options = runtime.SessionOptions()
            options.intra_op_num_threads = threads
            # Threads that wait in a loop would take turns away from the other systems.
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            provider = ["CPUExecutionProvider"]
            self.sessions[threads] = runtime.InferenceSession(str(self.path), options, provider)
        return self.sessions[threads]


class TorchSystem:
    """The packed encoder over batches as the pipeline plans them."""

    def __init__(
        self,
        encoder: BertEncoder,
        windows: list[list[int]],
        budget: int,
        dtype: torch.dtype,
        skip: tuple[str, ...] | None,
    ) -> None:
        self.encoder, self.dtype = encoder, dtype
        self.quantization = None if skip is None else Quantization(dtype, skip)
        plan = plan_batches(np.array([len(window) for window in windows]), budget)
        self.order = np.concatenate(plan).tolist()
        self.lengths = [len(window) for window in windows]
        self.batches = [pack([windows[index] for index in chosen]) for chosen in plan]

    def run(self, how: str) -> None:
        """Run all batches."""
        n, is_workers = int(how.split()[0]), how.endswith("workers")
        torch.set_num_threads(1 if is_workers else n)
        run_all([partial(self.encode, batch) for batch in self.batches], n * is_workers)

    def encode(self, batch: PackedInput) -> torch.Tensor:
        """Run one batch. Shape: (n_pieces, width)"""
        with torch.inference_mode():
            if self.quantization is not None:
                return self.encoder(batch, quantization=self.quantization).last
            return self.encoder(batch, dtype=self.dtype).last

    def vectors(self) -> np.ndarray:
        """Vectors of all pieces, in the order of the windows. Shape: (n_pieces, width)"""
        rows = torch.cat([self.encode(batch) for batch in self.batches]).float().numpy()
        ends = np.cumsum([self.lengths[index] for index in self.order])[:-1]
        found = dict(zip(self.order, np.split(rows, ends), strict=True))
        return np.concatenate([found[index] for index in sorted(found)])


def run_all(calls: Sequence[Callable[[], object]], n_workers: int) -> None:
    """Run calls one after the other, or in workers."""
    if not n_workers:
        for call in calls:
            call()
        return
    with ThreadPoolExecutor(n_workers, initializer=_be_one_thread) as workers:
        for done in [workers.submit(call) for call in calls]:
            done.result()


def _be_one_thread() -> None:
    if threading.current_thread() is not threading.main_thread():
        torch.set_num_threads(1)


def take_turns(
    runs: dict[str, RunT], *, n_rounds: int
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Run every system once to warm up, then in rounds. RETURNS: Wall and processor seconds."""
    wall: dict[str, list[float]] = {name: [] for name in runs}
    processor: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(n_rounds + 1):
        for name, run in runs.items():
            begin = time.perf_counter(), time.process_time()
            run()
            end = time.perf_counter(), time.process_time()
            if number:
                wall[name].append(end[0] - begin[0])
                processor[name].append(end[1] - begin[1])
        print(f"round {number} of {n_rounds}", flush=True)
    return wall, processor


def compare(got: np.ndarray, expected: np.ndarray) -> dict[str, float]:
    """Cosines of vectors, and the largest difference. Shape: (n_pieces, width)"""
    norms = np.linalg.norm(got, axis=1) * np.linalg.norm(expected, axis=1)
    cosines = (got * expected).sum(axis=1) / norms
    return {
        "mean_cosine": float(cosines.mean()),
        "cosine_of_1_in_100": float(np.quantile(cosines, 0.01)),
        "min_cosine": float(cosines.min()),
        "max_difference": float(np.abs(got - expected).max()),
    }


def report(
    arguments: argparse.Namespace,
    machine: dict[str, Any],
    n_pieces: int,
    seconds: dict[str, list[float]],
    processor: dict[str, list[float]],
    cosines: dict[str, dict[str, float]],
) -> None:
    """Print the tables, write JSON and picture."""
    rates = {name: spread_of([n_pieces / s for s in values]) for name, values in seconds.items()}
    busy = {name: n_pieces / float(np.median(values)) for name, values in processor.items()}
    print_table(
        ("system", "pieces/s", "min", "max", "pieces per processor second"),
        [
            (n, f"{s.median:,.0f}", f"{s.minimum:,.0f}", f"{s.maximum:,.0f}", f"{busy[n]:,.0f}")
            for n, s in rates.items()
        ],
    )
    print_table(
        ("against packed fp32", "mean cosine", "1 in 100", "min", "max difference"),
        [(name, *(f"{value:.5f}" for value in found.values())) for name, found in cosines.items()],
    )
    foot = describe_line(machine)
    print(foot)
    results = {
        "machine": machine,
        "texts": arguments.texts,
        "pieces": n_pieces,
        "rounds": arguments.rounds,
        "pieces_per_second": {name: spread.to_json() for name, spread in rates.items()},
        "pieces_per_processor_second": busy,
        "agreement": cosines,
    }
    path = RESULTS / f"{arguments.name}.json"
    write_json(path, results)
    draw_bars(
        path.with_suffix(".png"),
        title=f"The encoder alone on {arguments.texts} mixed texts",
        unit="pieces per second",
        foot=foot,
        bars=[
            (name, spread, "theirs" if name.startswith("ONNX") else "ours")
            for name, spread in rates.items()
        ],
    )


if __name__ == "__main__":
    main()

"""Memory runs out at the n-th forward pass: smaller batches, or an error and a usable pipeline."""

import itertools
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from spacy.language import Language

from spacy_bert_plugin.encoder import BertEncoder
from spacy_bert_plugin.errors import BertPluginError, OutOfMemoryError
from spacy_bert_plugin.layers import find_shims
from spacy_bert_plugin.training.hooks import Hooks
from tests.faults.conftest import TEXTS, describe, make_examples
from tests.training.tiny_runs import ACTIONS, make_config, read_weights, run, write_data

NO_MEMORY = {
    "device": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    "host": MemoryError(),
    "allocator": RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
}
any_error = pytest.mark.parametrize("error", NO_MEMORY.values(), ids=NO_MEMORY)


class Shortage:
    """Lets the n-th call of a function fail, and every later one if it lasts."""

    def __init__(self, n: int, error: BaseException, *, lasts: bool) -> None:
        self.n, self.error, self.lasts, self.count = n, error, lasts, 0

    @contextmanager
    def at(self, owner: Any, name: str) -> Iterator["Shortage"]:
        original = getattr(owner, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            self.count += 1
            if self.count == self.n or (self.lasts and self.count > self.n):
                raise self.error
            return original(*args, **kwargs)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(owner, name, call)
            yield self


@any_error
@pytest.mark.parametrize("lasts", [False, True])
def test_predictions(
    error: BaseException, lasts: bool, two_pipelines: tuple[Language, Language]
) -> None:
    nlp, _ = two_pipelines
    expected = describe(nlp)
    ends, errors = set(), []
    for n in itertools.count(1):
        with Shortage(n, error, lasts=lasts).at(BertEncoder, "forward") as shortage:
            try:
                assert describe(nlp) == expected  # in halves, where that helped
                ends.add("right")
            except OutOfMemoryError as caught:
                ends.add("an error")
                errors.append(caught)
        assert describe(nlp) == expected
        if shortage.count < n:
            break
    assert all("max_pieces" in str(e) and e.__cause__ is error for e in errors)
    # The last Doc has several windows, so there is something to halve; one alone has not.
    assert ends == ({"right", "an error"} if lasts else ends & {"right", "an error"})
    assert n > 1


def test_a_batch_that_fits_in_halves_is_right(two_pipelines: tuple[Language, Language]) -> None:
    nlp, _ = two_pipelines
    docs = [nlp.make_doc(text) for text in TEXTS * 3]
    component = nlp.get_pipe("bert_transformer")
    expected = [item.outputs["tokens"] for item in component.predict(docs)]
    with Shortage(1, NO_MEMORY["host"], lasts=False).at(BertEncoder, "forward") as shortage:
        found = [item.outputs["tokens"] for item in component.predict(docs)]
    assert shortage.count > 2
    for one, other in zip(found, expected, strict=True):
        assert abs(one - other).max(initial=0.0) < 1e-5


def test_only_the_doc_at_fault_is_lost(two_pipelines: tuple[Language, Language]) -> None:
    nlp, _ = two_pipelines
    lost: list[tuple[str, list[str]]] = []
    handler = lambda name, proc, docs, error: lost.append((name, [d.text[:9] for d in docs]))  # noqa: E731
    original = BertEncoder.forward

    def fail_for_long(self: Any, packed: Any, **settings: Any) -> Any:
        if max(packed.lengths) > 40:
            raise NO_MEMORY["device"]
        return original(self, packed, **settings)

    component = nlp.get_pipe("bert_transformer")
    component.set_error_handler(handler)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(BertEncoder, "forward", fail_for_long)
            docs = list(component.pipe(map(nlp.make_doc, TEXTS)))
    finally:
        from spacy.util import raise_error

        component.set_error_handler(raise_error)
    assert [doc.text for doc in docs] == TEXTS[:3]
    assert lost == [("bert_transformer", ["the house"])]


def learn(nlp: Language) -> dict[str, bytes]:
    """One update without dropout. RETURNS (dict): The gradients that it leaves."""
    nlp.update(make_examples(nlp), sgd=False, drop=0.0)
    found = {}
    for name in ("bert_transformer", "bert_ner", "bert_textcat"):
        for number, shim in enumerate(find_shims(nlp.get_pipe(name).model)):
            for key, param in shim.named_parameters():
                if param.grad is not None:
                    found[f"{name}/{number}/{key}"] = param.grad.clone()
                param.grad = None
    return found


@any_error
@pytest.mark.parametrize("owner", ["forward", "backward"])
def test_updates(owner: str, error: BaseException, fresh_pipeline: Callable[..., Language]) -> None:
    from spacy_bert_plugin.training.step import drop_gradients

    nlp = fresh_pipeline()
    expected = learn(nlp)
    assert len(expected) > 10
    before = nlp.get_pipe("bert_transformer").to_bytes()
    place = (BertEncoder, "forward") if owner == "forward" else (torch.autograd, "backward")
    failed: list[BaseException] = []
    for n in itertools.count(1):
        with Shortage(n, error, lasts=True).at(*place) as shortage:
            try:
                learn(nlp)
            except (OutOfMemoryError, MemoryError, RuntimeError) as caught:
                failed.append(caught)
        drop_gradients(nlp)
        assert nlp.get_pipe("bert_transformer").to_bytes() == before
        again = learn(nlp)
        assert again.keys() == expected.keys()
        for key, gradient in expected.items():
            torch.testing.assert_close(again[key], gradient, atol=1e-6, rtol=1e-5)
        if shortage.count < n:
            break
    said = [str(one) for one in failed if isinstance(one, BertPluginError)]
    assert said
    assert all("No weight was changed" in text for text in said)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data") / "data.spacy")


@any_error
def test_trainings_cut_up_a_batch_that_does_not_fit(
    error: BaseException, data: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    """The step is that of a batch which was cut into as many parts from the begin."""
    settings = {"max_steps": 1, "eval_frequency": 1, "dropout": 0.0}
    config, in_parts = (
        make_config("bert_ner", data, encoder=tiny_checkpoint, accumulate_gradient=n, **settings)
        for n in (1, 2)
    )
    for one in (config, in_parts):
        one["training"]["batcher"]["size"].update(start=40, stop=60)
    run(in_parts, tmp_path / "parts")
    said: list[str] = []
    sizes: list[list[int]] = []
    original = Language.update

    def update(self: Language, examples: Any, *args: Any, **kwargs: Any) -> Any:
        found = original(self, examples, *args, **kwargs)
        sizes[-1].append(len(examples))
        if len(sizes[-1]) == 1:  # when its gradients are there already
            raise error
        return found

    ACTIONS.update(dict.fromkeys((0, 1), lambda nlp: sizes.append([])))
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Language, "update", update)
            run(config, tmp_path / "run", hooks=Hooks(warn=said.append))
    finally:
        ACTIONS.clear()
    for first, *parts in sizes:
        assert len(parts) > 1
        assert sum(parts) == first
    assert ["Memory ran out at step" in text for text in said] == [True, True]
    one, other = (read_weights(tmp_path / name / "model-last") for name in ("run", "parts"))
    assert one == other


def test_a_text_that_needs_too_much_ends_the_training(
    data: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    config = make_config("bert_ner", data, encoder=tiny_checkpoint, max_steps=1)
    shortage = Shortage(1, NO_MEMORY["device"], lasts=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with (
            shortage.at(BertEncoder, "forward"),
            pytest.raises(OutOfMemoryError, match="use_checkpointing"),
        ):
            run(config, tmp_path / "run")
    run(config, tmp_path / "run")


def test_other_errors_are_not_tried_again(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def update(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(Language, "update", update)
    with pytest.raises(RuntimeError, match="shapes"):
        run(make_config("plain", data), tmp_path / "run")
    assert calls == [1]

"""Every architecture that is said to work: alone == in a batch == in threads, trained or not."""

import copy
import threading

import pytest
import torch
from architectures import KNOWN, WARNINGS, build_model
from encoder_reference import make_windows, measure_difference
from transformers import __version__

from spacy_bert_plugin.encoder import group_by_depth, pack
from spacy_bert_plugin.encoder.adapter import AutoModelAdapter
from spacy_bert_plugin.errors import SettingError

LENGTHS = (5, 3, 31, 12, 12, 38, 5, 20)
# These drop attention weights only, and without a module.
WITHOUT_DROPOUT = {"eurobert", "qwen3"}
# Code of these mixes float32 with the type of autocast.
WITHOUT_HALF = {"deberta", *(["xmod"] if __version__ >= "5" else [])}
pytestmark = [
    *(pytest.mark.filterwarnings(text) for text in WARNINGS),
    pytest.mark.parametrize("name", KNOWN),
]


@pytest.fixture
def adapter(name: str) -> AutoModelAdapter:
    return AutoModelAdapter(build_model(name))


def test_alone_equals_in_a_batch_equals_the_reference(name: str, adapter: AutoModelAdapter) -> None:
    reference = build_model(name)
    if hasattr(reference, "set_attention_type"):
        reference.set_attention_type("original_full")
    windows = make_windows(LENGTHS)
    with torch.inference_mode():
        together = adapter(pack(windows)).last.split(LENGTHS)
        for window, found in zip(windows, together, strict=True):
            expected = reference(torch.tensor([window])).last_hidden_state[0]
            assert measure_difference(adapter(pack([window])).last, expected) <= 1e-5
            assert measure_difference(found, expected) <= 1e-5
        mixed = adapter(pack([windows[2], windows[0], [], windows[2]])).last
    assert measure_difference(mixed, torch.cat([together[i] for i in (2, 0, 2)])) <= 1e-5


def test_longest_window(name: str, adapter: AutoModelAdapter) -> None:
    longest = adapter.config.max_pieces
    assert longest == 512 if name == "xlnet" else longest in (38, 39, 40)
    windows = make_windows([longest, 4])
    with torch.inference_mode():
        alone, together = adapter(pack(windows[:1])).last, adapter(pack(windows)).last
    assert alone.isfinite().all()
    assert measure_difference(together[:longest], alone) <= 1e-5
    with pytest.raises(SettingError, match=f"at most {longest} pieces"):
        adapter(pack([[5] * (longest + 1)]))


def test_layers_are_one_vector_a_piece(name: str, adapter: AutoModelAdapter) -> None:
    packed = pack(make_windows(LENGTHS))
    with torch.inference_mode():
        output, last = adapter(packed, use_all_layers=True), adapter(packed).last
    assert measure_difference(output.last, last) <= 1e-6
    assert [layer.shape for layer in output.layers or ()] == [last.shape] * 3


def test_pooler_is_the_models_own(name: str, adapter: AutoModelAdapter) -> None:
    if not adapter.config.use_pooler:
        with pytest.raises(SettingError, match="no pooler"):
            adapter.pool(torch.zeros(1, 24))
        return
    (window,) = make_windows([9])
    with torch.inference_mode():
        expected = build_model(name)(torch.tensor([window])).pooler_output
        found = adapter.pool(adapter(pack([window])).last[:1])
    assert measure_difference(found, expected) <= 1e-5


def test_trains_with_dropout_and_predicts_as_before(name: str, adapter: AutoModelAdapter) -> None:
    packed = pack(make_windows(LENGTHS))
    with torch.inference_mode():
        before = adapter(packed).last
    torch.manual_seed(0)
    output = adapter(packed, dropout=0.3).last
    assert (measure_difference(output, before) > 1e-3) == (name not in WITHOUT_DROPOUT)
    output.square().sum().backward()
    groups = group_by_depth(adapter)
    assert len(groups) == 3
    gradients = [p.grad for p in adapter.parameters() if p.grad is not None]
    assert len(gradients) > 0.5 * sum(len(group) for group in groups)
    assert all(gradient.isfinite().all() for gradient in gradients)
    with torch.inference_mode():
        assert torch.equal(adapter(packed).last, before)
        assert measure_difference(copy.deepcopy(adapter)(packed).last, before) <= 1e-6


def test_gradients_do_not_depend_on_the_batch(name: str, adapter: AutoModelAdapter) -> None:
    windows = make_windows(LENGTHS[:4])

    def measure(batches: list[list[list[int]]]) -> list[torch.Tensor]:
        adapter.zero_grad()
        for batch in batches:
            adapter(pack(batch)).last.square().sum().backward()
        return [p.grad.clone() for p in adapter.parameters() if p.grad is not None]

    together, alone = measure([windows]), measure([[window] for window in windows])
    for one, other in zip(together, alone, strict=True):
        assert measure_difference(one, other) <= 1e-4 * float(other.abs().max() + 1)


def test_threads_give_the_same(name: str, adapter: AutoModelAdapter) -> None:
    packed = [pack(make_windows(lengths)) for lengths in ([31, 4], [4], [38, 20, 4])]
    with torch.inference_mode():
        expected = [adapter(one).last for one in packed]
    found: list[bool] = []

    def work() -> None:
        with torch.inference_mode():
            for one, last in zip(packed, expected, strict=True):
                found.append(torch.equal(adapter(one).last, last))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 9


def test_half_precision_is_close(name: str, adapter: AutoModelAdapter) -> None:
    packed = pack(make_windows(LENGTHS))
    if name in WITHOUT_HALF:
        with pytest.raises(SettingError, match=r'bfloat16.*precision = "fp32"'):
            adapter(packed, dtype=torch.bfloat16)
        return
    with torch.inference_mode():
        exact, rounded = adapter(packed).last, adapter(packed, dtype=torch.bfloat16).last
    assert rounded.dtype == torch.float32
    assert torch.cosine_similarity(exact, rounded, dim=-1).min() > 0.95

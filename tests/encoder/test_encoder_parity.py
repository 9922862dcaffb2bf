"""Our encoder against the reference implementation."""

import os
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import torch
from encoder_reference import (
    ACTIVATIONS,
    FAMILIES,
    build_reference,
    convert,
    make_windows,
    measure_difference,
    rename,
    run_reference,
)
from torch import nn

from spacy_bert_plugin.encoder import BertEncoder, pack

LENGTHS = (5, 1, 31, 12, 12, 50, 5, 64)
MODES = [torch.inference_mode, torch.no_grad, torch.enable_grad]


def check_parity(encoder: BertEncoder, reference: nn.Module, windows: list[list[int]]) -> None:
    output = encoder(pack(windows), use_all_layers=True)
    start = 0
    for window in windows:
        rows = slice(start, start + len(window))
        expected = run_reference(reference, window)
        assert measure_difference(output.last[rows], expected.last_hidden_state[0]) <= 1e-5
        assert len(output.layers) == len(expected.hidden_states)
        for ours, theirs in zip(output.layers, expected.hidden_states, strict=True):
            # Inner layers of trained models hold values of 10 and more, so there it is relative.
            assert measure_difference(ours[rows], theirs[0]) <= 1e-5 * max(1.0, theirs.abs().max())
        if encoder.config.use_pooler:
            pooled = encoder.pool(output.last[start : start + 1])
            assert measure_difference(pooled, expected.pooler_output) <= 1e-5
        start = rows.stop


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_equals_the_reference(
    family: str, mode: type[AbstractContextManager[None]]
) -> None:
    reference = build_reference(family)
    encoder = convert(reference)
    with mode():
        check_parity(encoder, reference, make_windows(LENGTHS))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_equals_the_reference(
    name: str, mode: type[AbstractContextManager[None]]
) -> None:
    reference = build_reference("bert", hidden_act=name)
    encoder = convert(reference)
    with mode():
        check_parity(encoder, reference, make_windows(LENGTHS))


def test_segments_are_added(bert: BertEncoder, bert_reference: nn.Module) -> None:
    (window,) = make_windows([9])
    packed = pack([window])
    packed.segments[4:] = 1
    expected = bert_reference(torch.tensor([window]), token_type_ids=packed.segments[None])
    assert measure_difference(bert(packed).last, expected.last_hidden_state[0]) <= 1e-5
    assert measure_difference(bert(pack([window])).last, expected.last_hidden_state[0]) > 1e-3


def test_padded_reference_equals_packed(bert: BertEncoder, bert_reference: nn.Module) -> None:
    windows = make_windows(LENGTHS)
    ids = torch.zeros(len(windows), max(LENGTHS), dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for row, window in enumerate(windows):
        ids[row, : len(window)] = torch.tensor(window)
        mask[row, : len(window)] = 1
    with torch.inference_mode():
        expected = bert_reference(ids, attention_mask=mask).last_hidden_state[mask.bool()]
        assert measure_difference(bert(pack(windows)).last, expected) <= 1e-5


@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_equal_the_reference(family: str) -> None:
    reference = build_reference(family)
    encoder = convert(reference)
    windows = make_windows((7, 3, 7, 20))
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(sum(map(len, windows)), encoder.config.width, generator=generator)
    (encoder(pack(windows)).last * weights).sum().backward()
    parts = weights.split([len(window) for window in windows])
    for window, part in zip(windows, parts, strict=True):
        (run_reference(reference, window).last_hidden_state[0] * part).sum().backward()
    parameters = {n: p for n, p in reference.named_parameters() if p.grad is not None}
    expected = rename(reference, {n: p.grad for n, p in parameters.items()})
    found = {n: p.grad for n, p in encoder.named_parameters() if p.grad is not None}
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        scale = max(1.0, float(gradient.abs().max()))
        assert measure_difference(found[name], gradient) <= 1e-5 * scale, name


def test_half_precision_is_close(bert: BertEncoder) -> None:
    packed = pack(make_windows(LENGTHS))
    with torch.inference_mode():
        exact = bert(packed, use_all_layers=True)
        rounded = bert(packed, use_all_layers=True, dtype=torch.bfloat16)
    for ours, theirs in zip(rounded.layers, exact.layers, strict=True):
        assert ours.dtype == torch.float32
        assert torch.cosine_similarity(ours, theirs, dim=-1).min() > 0.999
    assert measure_difference(rounded.last, exact.last) > 0.0


MINILM = os.environ.get("SPACY_BERT_TEST_MINILM")


@pytest.fixture(scope="module")
def minilm() -> nn.Module:
    from transformers import BertModel

    return BertModel.from_pretrained(Path(str(MINILM)), attn_implementation="eager").eval()


@pytest.mark.skipif(not MINILM, reason="SPACY_BERT_TEST_MINILM names no folder")
@pytest.mark.parametrize("mode", MODES)
def test_minilm_equals_the_reference(
    minilm: nn.Module, mode: type[AbstractContextManager[None]]
) -> None:
    generator = torch.Generator().manual_seed(1)
    windows = [
        [101, *torch.randint(1000, 30000, (n,), generator=generator).tolist(), 102]
        for n in (3, 24, 10, 10, 200, 1, 510)
    ]
    encoder = convert(minilm)
    with mode():
        check_parity(encoder, minilm, windows)

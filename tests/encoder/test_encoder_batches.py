"""A window has the same vectors whatever it runs with."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from encoder_reference import make_windows, measure_difference
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from spacy_bert_plugin.encoder import BertEncoder, EncoderConfig, PackedInput, pack
from spacy_bert_plugin.errors import SettingError

SIZES = EncoderConfig(
    vocab_size=67,
    width=16,
    n_layers=2,
    n_heads=2,
    hidden_width=24,
    n_positions=40,
    n_segments=1,
    embedding_width=16,
    initializer_range=0.2,
)
ENCODER = BertEncoder(SIZES)


def encode(windows: list[list[int]], encoder: BertEncoder = ENCODER) -> list[Tensor]:
    with torch.inference_mode():
        return list(encoder(pack(windows)).last.split([len(window) for window in windows]))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 30), max_size=8), st.randoms(use_true_random=False))
def test_alone_equals_batch_equals_permuted(lengths: list[int], random: object) -> None:
    windows = [[2 + i] * n for i, n in enumerate(lengths)]  # window i is made of number i
    alone = [encode([window])[0] for window in windows]
    order = list(range(len(windows)))
    random.shuffle(order)  # type: ignore[attr-defined]
    twice = encode(windows + windows)
    permuted = encode([windows[i] for i in order])
    for i, expected in enumerate(alone):
        for found in (twice[i], twice[len(windows) + i], permuted[order.index(i)]):
            assert found.shape == expected.shape
            assert torch.allclose(found, expected, rtol=0, atol=1e-5)


def test_windows_do_not_see_each_other() -> None:
    first, second = make_windows([9, 9])
    changed = [*second[:-1], (second[-1] + 1) % 60]
    before, after = encode([first, second]), encode([first, changed])
    assert torch.equal(before[0], after[0])
    assert measure_difference(before[1][0], after[1][0]) > 1e-4


def test_unsorted_windows_keep_all_layers_in_place() -> None:
    windows = make_windows([3, 20, 3, 8])
    lengths = [len(window) for window in windows]
    with torch.inference_mode():
        layers = ENCODER(pack(windows), use_all_layers=True).layers
        for i, window in enumerate(windows):
            alone = ENCODER(pack([window]), use_all_layers=True).layers
            for ours, expected in zip(layers, alone, strict=True):
                assert measure_difference(ours.split(lengths)[i], expected) <= 1e-5


@pytest.mark.parametrize("windows", [[], [[]], [[], []]])
@pytest.mark.parametrize("dtype", [None, torch.float32, torch.bfloat16])
def test_no_pieces_give_no_vectors(windows: list[list[int]], dtype: torch.dtype | None) -> None:
    with torch.inference_mode():
        output = ENCODER(pack(windows), use_all_layers=True, dtype=dtype)
    assert output.last.shape == (0, SIZES.width)
    assert [layer.shape for layer in output.layers] == [(0, SIZES.width)] * 3
    ENCODER(pack(windows)).last.sum().backward()  # nothing to learn is no error


@pytest.mark.parametrize("n_threads", [1, 2, 8])
def test_threads_give_bit_equal_vectors(n_threads: int) -> None:
    encoder = BertEncoder(SIZES)  # its cache is cold: the threads fill it together
    packed = [pack(make_windows([n, n + 3, n + 7], seed=n)) for n in range(1, 25)]
    start = threading.Barrier(n_threads)

    def work(_: int) -> list[Tensor]:
        start.wait()
        with torch.inference_mode():
            return [encoder(one).last for one in packed]

    with ThreadPoolExecutor(n_threads) as pool:
        results = list(pool.map(work, range(n_threads)))
    expected = work_alone(encoder, packed)
    for result in results:
        assert all(torch.equal(a, b) for a, b in zip(result, expected, strict=True))


def work_alone(encoder: BertEncoder, packed: list[PackedInput]) -> list[Tensor]:
    with torch.inference_mode():
        return [encoder(one).last for one in packed]


def test_window_that_is_too_long_is_refused() -> None:
    assert encode([[5] * SIZES.max_pieces])[0].shape == (40, 16)
    with pytest.raises(SettingError, match=r"at most 40 pieces .* one has 41"):
        encode([[5] * 41])


@pytest.mark.parametrize("bad", [-1, 67])
def test_unknown_piece_is_refused(bad: int) -> None:
    with pytest.raises(SettingError, match=f"piece ids from 0 to 66, but found {bad}"):
        encode([[5, bad]])


def test_unknown_segment_and_position_are_refused() -> None:
    packed = pack([[5, 6]])
    packed.segments[1] = 1
    with pytest.raises(SettingError, match="segment ids from 0 to 0, but found 1"):
        ENCODER(packed)
    packed = pack([[5, 6]])
    packed.positions[1] = 2
    with pytest.raises(SettingError, match="position ids from 0 to 1, but found 2"):
        ENCODER(packed)


def test_unknown_type_is_refused() -> None:
    with pytest.raises(SettingError, match="precision"):
        ENCODER(pack([[5]]), dtype=torch.int8)


def test_pooling_without_a_pooler_is_refused() -> None:
    with pytest.raises(SettingError, match="no pooler"):
        ENCODER.pool(torch.zeros(1, 16))

"""int8: rows rounded by scales of their own, close to fp32, the same alone and in a batch."""

import pytest
import torch
from torch import Tensor, nn

from spacy_bert_plugin.encoder import BertEncoder, EncoderConfig, Quantization, has_int8, pack
from spacy_bert_plugin.encoder.linear import WeightCache, apply_linear
from spacy_bert_plugin.encoder.quantized import MAPS, quantize_rows, quantize_weights

pytestmark = pytest.mark.skipif(
    not (torch.cpu._is_vnni_supported() and has_int8()), reason="this processor has no int8 kernels"
)
WINDOWS = [[1, 5, 9, 2], [1, 7, 2], [1, 3, 3, 8, 20, 21, 2]]


def make_encoder(**sizes: object) -> BertEncoder:
    torch.manual_seed(0)
    values = {"vocab_size": 50, "width": 64, "n_layers": 3, "n_heads": 2, "hidden_width": 128}
    config = EncoderConfig(
        **{**values, "n_positions": 32, "n_segments": 2, "embedding_width": 64, **sizes}  # type: ignore[arg-type]
    )
    encoder = BertEncoder(config)
    with torch.no_grad():  # larger than at the start of training, so that layers do something
        for parameter in encoder.parameters():
            if parameter.dim() == 2:
                parameter.mul_(5.0)
    return encoder


def encode(encoder: BertEncoder, *windows: list[int], **settings: object) -> Tensor:
    with torch.inference_mode():
        return encoder(pack(windows), **settings).last  # type: ignore[arg-type]


def test_rows_are_rounded_by_their_own_scale() -> None:
    x = torch.tensor([[1.0, -0.5, 0.25], [100.0, 3.0, -127.0], [0.0, 0.0, 0.0]])
    rounded, scales = quantize_rows(x)
    assert rounded.dtype == torch.uint8
    back = (rounded.float() - 128) * scales
    assert bool(((back - x).abs() <= scales / 2 + 1e-7).all())
    assert rounded[2].tolist() == [128, 128, 128]
    assert back[1].tolist() == [100.0, 3.0, -127.0]


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("activation", ["none", "gelu", "gelu_tanh", "relu", "silu"])
def test_maps_are_close_to_exact_ones(activation: str, bias: bool) -> None:
    torch.manual_seed(1)
    layers = [nn.Linear(96, 64, bias=bias), nn.Linear(96, 32, bias=bias)]
    x = torch.randn(37, 96) * torch.logspace(-2, 2, 37)[:, None]  # rows of very different size
    cache = WeightCache()
    with torch.inference_mode():
        exact = apply_linear(x, layers, WeightCache(), activation=activation)
        found = apply_linear(x, layers, cache, activation=activation, use_int8=True)
    assert len(cache) == 1
    assert found.dtype == torch.float32
    sizes = x.abs().amax(1)[:, None]
    assert float(((found - exact).abs() / sizes).max()) < 0.02
    assert not torch.equal(found, exact)


def test_changed_weights_are_quantised_anew() -> None:
    layer, cache, x = nn.Linear(32, 16), WeightCache(), torch.randn(4, 32)
    with torch.inference_mode():
        before = apply_linear(x, [layer], cache, use_int8=True)
    with torch.no_grad():
        layer.weight.mul_(2.0)
        layer.bias.mul_(2.0)
    with torch.inference_mode():
        after = apply_linear(x, [layer], cache, use_int8=True)
    torch.testing.assert_close(after, before * 2)


def test_gradients_flow_through_exact_weights() -> None:
    layer, x = nn.Linear(32, 16), torch.randn(4, 32, requires_grad=True)
    y = apply_linear(x, [layer], WeightCache(), use_int8=True)
    torch.testing.assert_close(y, layer(x))
    y.sum().backward()
    assert x.grad is not None


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_encoder_is_close_to_fp32(dtype: torch.dtype) -> None:
    encoder = make_encoder()
    exact = encode(encoder, *WINDOWS)
    found = encode(encoder, *WINDOWS, quantization=Quantization(dtype))
    cosines = torch.nn.functional.cosine_similarity(found, exact)
    assert found.dtype == torch.float32
    assert float(cosines.min()) > 0.99
    assert float((found - exact).abs().max()) > 1e-4


def test_alone_and_in_a_batch_are_the_same() -> None:
    encoder, quantization = make_encoder(), Quantization(torch.float32)
    together = encode(encoder, *WINDOWS, quantization=quantization)
    parts = torch.split(together, [len(window) for window in WINDOWS])
    for window, part in zip(WINDOWS, parts, strict=True):
        torch.testing.assert_close(
            part, encode(encoder, window, quantization=quantization), atol=1e-5, rtol=1e-5
        )


def test_skipping_every_map_is_exact() -> None:
    encoder = make_encoder()
    skipped = encode(encoder, *WINDOWS, quantization=Quantization(torch.float32, MAPS))
    torch.testing.assert_close(skipped, encode(encoder, *WINDOWS), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", MAPS)
def test_each_map_can_be_skipped_alone(name: str) -> None:
    encoder = make_encoder()
    whole = encode(encoder, *WINDOWS, quantization=Quantization(torch.float32))
    in_one = encode(encoder, *WINDOWS, quantization=Quantization(torch.float32, [f"{name}.1"]))
    in_all = encode(encoder, *WINDOWS, quantization=Quantization(torch.float32, [name]))
    assert not torch.equal(whole, in_one)
    assert not torch.equal(in_one, in_all)
    by_number = [f"{name}.{n}" for n in range(3)]
    numbered = encode(encoder, *WINDOWS, quantization=Quantization(torch.float32, by_number))
    assert torch.equal(in_all, numbered)


def test_nothing_and_zeros() -> None:
    encoder = make_encoder()
    assert encode(encoder, quantization=Quantization()).shape == (0, 64)
    weights = quantize_weights(torch.zeros(16, 32), None)
    assert float(weights.scales.min()) > 0.0
    assert bool(torch.isfinite(weights.scales).all())

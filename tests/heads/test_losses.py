"""Losses against torch's own, and what is missing."""

import pytest
import torch
import torch.nn.functional as F

from spacy_bert_plugin.heads import binary_cross_entropy, cross_entropy

LOGITS = torch.randn(7, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
CLASSES = torch.tensor([0, 1, 2, 3, 3, 0, 1])
ANSWERS = (LOGITS.roll(1, 0) > 0).double()
WEIGHTS = torch.tensor([0.5, 1.0, 3.0, 2.0], dtype=torch.float64)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_cross_entropy_is_that_of_torch(weights: torch.Tensor | None, smoothing: float) -> None:
    ours = cross_entropy(LOGITS, CLASSES, class_weights=weights, label_smoothing=smoothing)
    theirs = F.cross_entropy(
        LOGITS, CLASSES, weight=weights, label_smoothing=smoothing, reduction="none"
    )
    assert float(ours) == pytest.approx(float(theirs.mean()))


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_binary_cross_entropy_is_that_of_torch(weights: torch.Tensor | None) -> None:
    ours = binary_cross_entropy(LOGITS, ANSWERS, class_weights=weights)
    theirs = F.binary_cross_entropy_with_logits(LOGITS, ANSWERS, pos_weight=weights)
    assert float(ours) == pytest.approx(float(theirs))
    smooth = binary_cross_entropy(LOGITS, ANSWERS, class_weights=weights, label_smoothing=0.2)
    theirs = F.binary_cross_entropy_with_logits(LOGITS, 0.8 * ANSWERS + 0.1, pos_weight=weights)
    assert float(smooth) == pytest.approx(float(theirs))


def test_focal_loss_by_its_formula() -> None:
    right = LOGITS.softmax(1)[torch.arange(7), CLASSES]
    expected = (-((1 - right) ** 2) * right.log()).mean()
    assert float(cross_entropy(LOGITS, CLASSES, focal_gamma=2.0)) == pytest.approx(float(expected))
    sure = torch.where(ANSWERS > 0.5, LOGITS.sigmoid(), 1 - LOGITS.sigmoid())
    expected = (-((1 - sure) ** 2) * sure.log()).mean()
    found = binary_cross_entropy(LOGITS, ANSWERS, focal_gamma=2.0)
    assert float(found) == pytest.approx(float(expected))


def test_focal_loss_of_what_is_certain_is_finite() -> None:
    logits = torch.tensor([[200.0, -200.0]], requires_grad=True)
    losses = [cross_entropy(logits, torch.tensor([i]), focal_gamma=0.5) for i in (0, 1)] + [
        binary_cross_entropy(logits, torch.tensor([[1.0, 0.0]]), focal_gamma=0.5)
    ]
    for loss in losses:
        (gradient,) = torch.autograd.grad(loss, logits)
        assert bool(loss.isfinite())
        assert bool(gradient.isfinite().all())


def test_missing_rows_do_not_count() -> None:
    classes = CLASSES.clone()
    classes[3:] = -1
    options = {"class_weights": WEIGHTS, "label_smoothing": 0.1, "focal_gamma": 1.0}
    alone = cross_entropy(LOGITS[:3], CLASSES[:3], **options)
    assert float(cross_entropy(LOGITS, classes, **options)) == pytest.approx(float(alone))
    mask = torch.zeros(7, 4, dtype=torch.bool)
    mask[:3] = True
    alone = binary_cross_entropy(LOGITS[:3], ANSWERS[:3], **options)
    found = binary_cross_entropy(LOGITS, ANSWERS, mask=mask, **options)
    assert float(found) == pytest.approx(float(alone))
    rows = binary_cross_entropy(LOGITS, ANSWERS, mask=mask[:, :1], **options)
    assert float(rows) == pytest.approx(float(alone))


@pytest.mark.parametrize("n_rows", [0, 2])
def test_nothing_known_is_zero_with_a_graph(n_rows: int) -> None:
    logits = torch.full((n_rows, 3), float("inf"), requires_grad=True)
    mask = torch.zeros(n_rows, 3, dtype=torch.bool)
    for loss in (
        cross_entropy(logits, torch.full((n_rows,), -1)),
        binary_cross_entropy(logits, torch.zeros(n_rows, 3), mask=mask),
    ):
        assert float(loss.detach()) == 0.0
        (gradient,) = torch.autograd.grad(loss, logits)
        assert not bool(gradient.any())


def test_gradients() -> None:
    logits = LOGITS.clone().requires_grad_()
    options = {"class_weights": WEIGHTS, "label_smoothing": 0.1, "focal_gamma": 1.5}
    assert torch.autograd.gradcheck(lambda x: cross_entropy(x, CLASSES, **options), (logits,))
    assert torch.autograd.gradcheck(
        lambda x: binary_cross_entropy(x, ANSWERS, **options), (logits,)
    )


def test_half_precision_is_summed_in_fp32() -> None:
    logits = LOGITS.bfloat16()
    assert cross_entropy(logits, CLASSES).dtype == torch.float32
    assert binary_cross_entropy(logits, ANSWERS.bfloat16()).dtype == torch.float32

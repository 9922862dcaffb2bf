from pathlib import Path
from typing import Any

import pytest
import spacy
from thinc.api import Adam, warmup_linear

from spacy_bert_plugin.errors import TrainingError
from spacy_bert_plugin.training import build_adamw_v1
from spacy_bert_plugin.training.guards import Guards, warn_of_rate


@pytest.fixture
def guards() -> Guards:
    return Guards(spacy.blank("en"))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_losses_must_be_numbers(guards: Guards, value: float) -> None:
    guards.check_finite({})
    guards.check_finite({"ner": 1e30, "textcat": -1.0})
    with pytest.raises(TrainingError, match="'ner' is"):
        guards.check_finite({"textcat": 1.0, "ner": value})


def feed(guards: Guards, *losses: float) -> None:
    for loss in losses:
        guards.check_losses({"ner": loss}, n_words=10)


def test_a_loss_that_grows_hundredfold_stops(guards: Guards) -> None:
    feed(guards, *[1.0] * 9, 2.0)
    feed(guards, *[199.0] * 9)
    assert not guards.is_suspicious
    feed(guards, *[201.0] * 4)
    assert guards.is_suspicious
    copy = Guards(spacy.blank("en"), guards.to_json())
    feed(guards, 1.0, *[201.0] * 4, 0.0, -5.0)
    for one in (guards, copy):
        with pytest.raises(TrainingError, match=r"more than 100 times .* 5 steps \(20\.1 a word"):
            feed(one, 201.0)


def test_large_batches_may_have_large_losses(guards: Guards) -> None:
    feed(guards, *[1.0] * 10)
    for _ in range(10):
        guards.check_losses({"ner": 900.0}, n_words=10_000)
    assert not guards.is_suspicious


def test_the_loss_of_a_shared_encoder_begins_at_zero(tiny_checkpoint: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("bert_transformer", config={"model": {"name": str(tiny_checkpoint)}})
    guards = Guards(nlp)
    for loss in [1e-9] * 10 + [1.0] * 10:
        guards.check_losses({"bert_transformer": loss}, n_words=10)
    assert not guards.is_suspicious


def test_a_score_near_zero_after_a_good_one_stops(guards: Guards) -> None:
    for score, best in [(0.0, 0.0), (0.2, 0.2), (0.0, 0.2), (0.0, 0.2), (0.5, 0.5), (0.04, 0.5)]:
        guards.check_score(score, (best, 3))
    assert guards.is_suspicious
    guards.check_score(0.05, (0.5, 3))
    assert not guards.is_suspicious
    guards.check_score(0.04, (0.5, 3))
    with pytest.raises(TrainingError, match=r"0\.0100 and 0\.0400 .* 0\.5000 at step 3"):
        guards.check_score(0.01, (0.5, 3))


@pytest.mark.parametrize(
    ("rate", "n_steps", "freeze", "is_warned"),
    [
        (2e-3, 0, 0, True),
        (1e-3, 0, 0, False),
        ([1e-4, 1e-4, 5e-3], 10, 0, True),
        ([1e-4, 1e-4, 5e-3], 1, 0, False),
        (warmup_linear(2e-3, 50, 100), 100, 0, True),
        (warmup_linear(2e-3, 50, 100), 0, 0, True),
        (warmup_linear(1e-3, 50, 100), 100, 0, False),
        (2e-3, 0, -1, False),
    ],
)
def test_rates_that_destroy_encoders(
    rate: Any, n_steps: int, freeze: int, is_warned: bool, tiny_checkpoint: Path
) -> None:
    nlp = spacy.blank("en")
    model = {"name": str(tiny_checkpoint), "overlap": 8, "freeze_layers": freeze}
    nlp.add_pipe("bert_transformer", config={"model": model})
    nlp.initialize()
    text = warn_of_rate(nlp, build_adamw_v1(rate), n_steps=n_steps)
    assert bool(text) is is_warned
    assert ("The encoder is trained at a learning rate of" in text) is is_warned


def test_pipelines_without_an_encoder_may_learn_fast() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec")
    nlp.initialize()
    assert warn_of_rate(nlp, Adam(0.1), n_steps=10) == ""

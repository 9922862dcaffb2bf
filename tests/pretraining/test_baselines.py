"""What counting alone guesses, and how answers are scored."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from spacy_bert_plugin.checkpoints import build_checkpoint
from spacy_bert_plugin.heads import MaskedWordHead, NextSentenceHead
from spacy_bert_plugin.pieces import PieceTokenizer
from spacy_bert_plugin.pretraining import MaskSettings
from spacy_bert_plugin.pretraining.batches import Collator
from spacy_bert_plugin.pretraining.evaluate import count_neighbours, evaluate, score_baselines
from spacy_bert_plugin.pretraining.frame import Frame
from spacy_bert_plugin.pretraining.model import PretrainingModel
from spacy_bert_plugin.pretraining.store import PieceStore
from spacy_bert_plugin.pretraining.windows import ELSEWHERE, FOLLOWS, NO_ANSWER

MakeStoreT = Callable[..., PieceStore]


def test_counts(store_of: MakeStoreT, tokenizer: PieceTokenizer, frame: Frame) -> None:
    store = store_of(["the house the street the house", "good house \u3042"])
    best, best_after = count_neighbours(store, frame)
    name = tokenizer.name_piece
    assert name(best) == "the"
    ids = {word: tokenizer.find_id(word) for word in ("the", "house", "good", "world", "[UNK]")}
    assert name(int(best_after[ids["the"]])) == "house"
    assert name(int(best_after[ids["good"]])) == "house"
    assert best_after[ids["world"]] == -1
    assert best_after[ids["[UNK]"]] == -1  # nothing after it, and it is never guessed
    assert 1 not in best_after


def test_baselines_see_the_masked_input(store_of: MakeStoreT, frame: Frame) -> None:
    store = store_of(["the house the house the house the house"])
    collator = Collator(
        store, frame, MaskSettings(rate=0.3, mask_share=1.0, random_share=0.0), use_segments=True
    )
    windows = np.array([[0, 8, 0, 0, NO_ANSWER]])
    batches = [collator.collate(windows, key=key) for key in range(0, 320, 16)]
    scores = score_baselines(store, batches, frame=frame)
    targets = torch.cat([batch.targets for batch in batches])
    the = int(store.pieces[0])
    assert scores.unigram == pytest.approx((targets == the).float().mean().item())
    # Right, unless the left one is hidden as well and this one is "house".
    assert 0.7 < scores.bigram <= 1.0
    assert scores.bigram > scores.unigram
    assert score_baselines(store, [], frame=frame).unigram == 0.0


def test_scores_of_a_model_that_knows(
    store_of: MakeStoreT, tokenizer: PieceTokenizer, frame: Frame
) -> None:
    """All answers of a model come from the biases of its heads here."""
    store = store_of(["rain rain rain rain rain rain"], ["rain rain good good rain good"])
    checkpoint = build_checkpoint(
        {"width": 8, "n_layers": 1, "n_heads": 2, "n_positions": 32, "use_pooler": True}, tokenizer
    )
    words = MaskedWordHead(8, tokenizer.vocab_size)
    pairs = NextSentenceHead(8)
    with torch.no_grad():
        words.bias[tokenizer.find_id("rain")] = 50.0
        pairs.output.bias[FOLLOWS] = 50.0
    model = PretrainingModel(checkpoint, words=words, pairs=pairs)
    settings = MaskSettings(rate=0.9, unit="pieces")
    collator = Collator(store, frame, settings, use_segments=True)
    windows = np.array([[0, 3, 3, 6, FOLLOWS], [0, 2, 8, 9, ELSEWHERE], [9, 12, 0, 0, NO_ANSWER]])
    batches = [collator.collate(windows[:2], key=1), collator.collate(windows[2:], key=1)]
    held_out = evaluate(model, batches, dtype=torch.float32)
    rain = tokenizer.find_id("rain")
    targets = torch.cat([batch.targets for batch in batches])
    share = (targets == rain).float().mean().item()
    assert 0.3 < share < 1.0
    assert held_out.word_accuracy == pytest.approx(share)
    assert held_out.word_loss == pytest.approx(50.0 * (1.0 - share), abs=2.0)
    assert (held_out.n_words, held_out.n_pairs) == (len(targets), 2)
    assert held_out.pair_accuracy == 0.5
    assert held_out.pair_loss == pytest.approx(25.0, abs=0.5)
    nothing = evaluate(model, [], dtype=torch.float32)
    assert set(nothing.to_json().values()) == {0}

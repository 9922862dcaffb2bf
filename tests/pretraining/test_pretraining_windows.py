"""Which sentences make a window, and pairs for the next-sentence task."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_bert_plugin.errors import SettingError
from spacy_bert_plugin.pieces import PieceTokenizer
from spacy_bert_plugin.pretraining import MaskSettings, PairSettings
from spacy_bert_plugin.pretraining.batches import Collator, measure
from spacy_bert_plugin.pretraining.frame import Frame
from spacy_bert_plugin.pretraining.store import PieceStore
from spacy_bert_plugin.pretraining.stream import Place, StepStream
from spacy_bert_plugin.pretraining.windows import (
    ELSEWHERE,
    FOLLOWS,
    NO_ANSWER,
    WindowPlanner,
    cut_long,
)

MakeStoreT = Callable[..., PieceStore]
SINGLE = PairSettings(weight=0.0)


def fake_store(*documents: list[int]) -> PieceStore:
    """A store whose sentences have these lengths; piece n has the id 5 + n % 100."""
    lengths = [length for document in documents for length in document]
    sentences = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    passages = np.concatenate([[0], np.cumsum([len(d) for d in documents])]).astype(np.int64)
    pieces = (5 + np.arange(sum(lengths)) % 100).astype(np.uint16)
    return PieceStore(pieces, sentences, passages, np.arange(len(documents)), "digest")


def plan_all(planner: WindowPlanner, *, seed: int = 0) -> Iterator[np.ndarray]:
    for passage in range(planner.store.n_passages):
        yield from planner.plan(passage, np.random.default_rng([seed, passage]))


def test_the_pair_of_the_paper(
    store_of: MakeStoreT, tokenizer: PieceTokenizer, frame: Frame
) -> None:
    """Devlin et al., figure 2: [CLS] my dog is cute [SEP] he likes play ##ing [SEP].

    Segment A up to the first [SEP], segment B after it, positions from 0 to 10. Here by other
    words with as many pieces.
    """
    store = store_of(["you house is good", "it was hey"], ["the rain", "a street"])
    ids = [
        tokenizer.find_id(p) for p in ("you", "house", "is", "good", "it", "was", "h", "##e", "##y")
    ]
    assert store.pieces[:9].tolist() == ids
    collator = Collator(store, frame, MaskSettings(weight=0.0), use_segments=True)
    batch = collator.collate(np.array([[0, 4, 4, 8, FOLLOWS]]), key=1)
    cls, sep = 2, 3
    assert batch.packed.ids.tolist() == [cls, *ids[:4], sep, *ids[4:8], sep]
    assert batch.packed.segments.tolist() == [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1]
    assert batch.packed.positions.tolist() == list(range(11))
    assert batch.follows.tolist() == [0]
    assert (batch.n_hidden, batch.n_pairs, batch.packed.lengths) == (0, 1, (11,))


def test_batches_lay_windows_end_to_end(frame: Frame) -> None:
    store = fake_store([3, 4], [2])
    collator = Collator(store, frame, MaskSettings(rate=0.5, unit="pieces"), use_segments=True)
    windows = np.array([[7, 9, 0, 0, NO_ANSWER], [0, 3, 3, 7, ELSEWHERE]])
    batch = collator.collate(windows, key=7)
    assert batch.packed.lengths == (10, 4)  # the longest first
    assert batch.firsts.tolist() == [0, 10]
    assert batch.follows.tolist() == [ELSEWHERE, NO_ANSWER]
    assert batch.packed.positions.tolist() == [*range(10), *range(4)]
    assert batch.packed.segments.tolist() == [0] * 5 + [1] * 5 + [0] * 4
    whole = batch.packed.ids.clone()
    whole[batch.rows] = batch.targets
    assert whole.tolist() == [2, 5, 6, 7, 3, 8, 9, 10, 11, 3, 2, 12, 13, 3]
    assert batch.n_hidden == 5  # round(3.5) + 1
    plain = Collator(store, frame, MaskSettings(), use_segments=False).collate(windows, key=7)
    assert plain.packed.segments.tolist() == [0] * 14
    empty = collator.collate(windows[:0], key=7)
    assert (empty.packed.lengths, empty.n_hidden, empty.n_pairs) == ((), 0, 0)


lengths_of_documents = st.lists(
    st.lists(st.integers(1, 30), min_size=1, max_size=8), min_size=1, max_size=5
)


@settings(max_examples=60)
@given(lengths_of_documents, st.integers(10, 24), st.integers(0, 99))
def test_single_texts_are_whole(
    frame: Frame, documents: list[list[int]], max_pieces: int, seed: int
) -> None:
    store = fake_store(*documents)
    planner = WindowPlanner(store, frame, max_pieces, SINGLE, short_share=0.3)
    windows = np.array(list(plan_all(planner, seed=seed)))
    assert measure(windows, frame).max() <= max_pieces
    covered = [n for begin, end, *_ in windows for n in range(begin, end)]
    assert covered == list(range(len(store.pieces)))
    assert set(windows[:, 4]) == {NO_ANSWER}


@settings(max_examples=60)
@given(
    lengths_of_documents,
    st.integers(10, 24),
    st.integers(0, 99),
    st.sampled_from(["other", "same", "swap"]),
)
def test_pairs_lose_nothing(
    frame: Frame, documents: list[list[int]], max_pieces: int, seed: int, negatives: str
) -> None:
    store = fake_store(*documents)
    planner = WindowPlanner(store, frame, max_pieces, PairSettings(negatives=negatives), 0.3)
    for passage in range(store.n_passages):
        windows = planner.plan(passage, np.random.default_rng([seed, passage]))
        assert measure(windows, frame).max() <= max_pieces
        borders = store.find_borders(passage)
        covered: list[int] = []
        for begin, end, begin_2, end_2, answer in windows.tolist():
            assert begin < end
            if answer == FOLLOWS:
                assert end == begin_2 < end_2
                covered += range(begin, end_2)
            elif answer == NO_ANSWER:
                assert begin_2 == end_2 == 0
                covered += range(begin, end)
            elif negatives == "swap":
                assert end_2 == begin
                covered += range(begin_2, end)
            else:
                is_inside = borders[0] <= begin_2 < borders[-1]
                assert is_inside == (negatives == "same")
                assert end_2 <= begin or begin_2 >= end  # no piece twice
                covered += range(begin, end)
        assert covered == list(range(int(borders[0]), int(borders[-1])))


def test_as_many_follow_as_asked_for(frame: Frame) -> None:
    rng = np.random.default_rng(0)
    store = fake_store(*[rng.integers(3, 20, size=12).tolist() for _ in range(300)])
    for share in (0.5, 0.8):
        planner = WindowPlanner(store, frame, 64, PairSettings(share=share))
        answers = np.array(list(plan_all(planner)))[:, 4]
        answered = answers[answers >= 0]
        assert np.mean(answered == FOLLOWS) == pytest.approx(share, abs=0.03)
        assert len(answered) > 0.75 * len(answers)


def test_lengths_do_not_give_the_answer_away(frame: Frame) -> None:
    rng = np.random.default_rng(0)
    store = fake_store(*[rng.integers(3, 20, size=40).tolist() for _ in range(200)])
    windows = np.array(list(plan_all(WindowPlanner(store, frame, 64, PairSettings()))))
    lengths, answers = windows[:, 3] - windows[:, 2], windows[:, 4]
    follow, elsewhere = (lengths[answers == kind].mean() for kind in (FOLLOWS, ELSEWHERE))
    assert follow == pytest.approx(elsewhere, rel=0.12)
    ends = set(store.sentences.tolist())
    cut = [int(end) not in ends for end in windows[answers == ELSEWHERE, 3]]
    assert np.mean(cut) < 0.02


@pytest.mark.parametrize(
    ("documents", "reason"),
    [
        ([[5], [4], [9]], "no document has two"),
        ([[5, 5, 5]], "from other documents"),
        ([[3]], "no"),
    ],
)
def test_corpora_without_pairs(frame: Frame, documents: list[list[int]], reason: str) -> None:
    planner = WindowPlanner(fake_store(*documents), frame, 20, PairSettings())
    with pytest.raises(SettingError, match=f"next-sentence.*{reason}"):
        planner.check()
    WindowPlanner(fake_store(*documents), frame, 20, SINGLE).check()
    if len(documents[0]) == 3:
        WindowPlanner(fake_store(*documents), frame, 20, PairSettings(negatives="swap")).check()


def test_windows_that_do_not_fit(frame: Frame) -> None:
    frame.check_size(64, limit=64)
    for size in (3, 65):
        with pytest.raises(SettingError, match="max_pieces"):
            frame.check_size(size, limit=64)


def test_long_sentences_are_cut() -> None:
    borders = np.array([0, 3, 13, 14])
    assert cut_long(borders, 4).tolist() == [0, 3, 7, 11, 13, 14]
    assert cut_long(borders, 10) is borders
    assert cut_long(borders[:1], 4).tolist() == [0]


@pytest.mark.parametrize(("name", "value"), [("share", 1.0), ("weight", -1.0), ("negatives", "x")])
def test_settings_of_pairs(name: str, value: object) -> None:
    with pytest.raises(SettingError, match=name):
        PairSettings(**{name: value})  # type: ignore[arg-type]


def make_stream(frame: Frame, **settings: int) -> StepStream:
    rng = np.random.default_rng(5)
    store = fake_store(*[rng.integers(3, 20, size=9).tolist() for _ in range(30)])
    planner = WindowPlanner(store, frame, 32, PairSettings())
    collator = Collator(store, frame, MaskSettings(), use_segments=True)
    given = {"seed": 3, "step_pieces": 300, "batch_pieces": 120, **settings}
    return StepStream(planner, collator, **given)  # type: ignore[arg-type]


def test_an_epoch_has_every_window_once(frame: Frame) -> None:
    for block in (7, 65_536):
        steps = list(make_stream(frame, max_epochs=1, block=block).iter_steps())
        assert [step.number for step in steps] == list(range(len(steps)))
        n_windows = sum(batch.packed.n_windows for step in steps for batch in step.batches)
        planner = make_stream(frame).planner
        expected = sum(
            len(planner.plan(p, np.random.default_rng([3, 0, p])))
            for p in range(planner.store.n_passages)
        )
        assert n_windows == expected
        assert max(step.n_pieces for step in steps) <= 300
        assert all(batch.packed.n_pieces <= 120 for step in steps for batch in step.batches)
        assert np.mean([step.n_pieces for step in steps[:-1]]) > 250


def test_it_goes_on_where_it_was(frame: Frame) -> None:
    stream = make_stream(frame, max_epochs=2)
    whole = [describe(step) for step in stream.iter_steps()]
    n_first = sum(1 for epoch, *_ in whole if epoch == 0)
    assert whole[0][2] != whole[n_first][2]  # another order and other masks in the next epoch
    for n in (0, 3, n_first, n_first + 2, len(whole)):
        place = Place(0, 0) if n == 0 else Place(whole[n - 1][0], whole[n - 1][1] + 1)
        assert [describe(step) for step in stream.iter_steps(place)] == whole[n:]


def describe(step: object) -> tuple[int, int, list[list[int]]]:
    return step.epoch, step.number, [b.packed.ids.tolist() for b in step.batches]  # type: ignore[attr-defined]

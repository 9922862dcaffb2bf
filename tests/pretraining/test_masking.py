"""Which pieces are hidden: the example of the paper, shares, words, spans."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_bert_plugin.errors import SettingError
from spacy_bert_plugin.pieces import PieceTokenizer
from spacy_bert_plugin.pretraining import MaskSettings
from spacy_bert_plugin.pretraining.frame import Frame, make_frame
from spacy_bert_plugin.pretraining.masking import hash_places, make_key, mask_pieces
from tests.conftest import make_byte_bpe_tokenizer

SEED_KEY = make_key(0, 0)


def hide(
    frame: Frame, ids: list[int], *, key: int = SEED_KEY, n_windows: int = 1, **settings: object
) -> tuple[np.ndarray, np.ndarray]:
    """Mask windows that all hold the same text with [CLS] and [SEP] around it."""
    text = np.array(ids, dtype=np.int64)
    n = len(text)
    windows = [np.array([*frame.prefix, *text, *frame.suffix]) for _ in range(n_windows)]
    places = [np.array([-2, *range(w * n, w * n + n), -1]) for w in range(n_windows)]
    owners = np.repeat(np.arange(n_windows), n + 2)
    flat = np.concatenate(windows)
    return mask_pieces(
        flat,
        np.concatenate(places),
        owners,
        np.zeros(len(flat), dtype=bool),
        frame=frame,
        settings=MaskSettings(**settings),  # type: ignore[arg-type]
        key=key,
    )


def test_the_example_of_the_paper(tokenizer: PieceTokenizer, frame: Frame) -> None:
    """Devlin et al., appendix A.1: "my dog is hairy", of which the 4th token is chosen.

    80 %: my dog is [MASK]; 10 %: my dog is apple; 10 %: my dog is hairy. Here by other words.
    """
    words = ["hello", "good", "is", "rain"]
    ids = [tokenizer.find_id(word) for word in words]
    outcomes = {"mask": 0, "random": 0, "same": 0}
    n_chosen = np.zeros(6, dtype=int)
    for epoch in range(3000):
        hidden, rows = hide(frame, ids, key=make_key(0, epoch))  # type: ignore[arg-type]
        assert len(rows) == 1  # 15 % of 4 pieces, at least one
        n_chosen[rows] += 1
        (row,) = rows
        now, before = int(hidden[row]), ids[row - 1]
        kind = "mask" if now == frame.mask_id else "same" if now == before else "random"
        outcomes[kind] += 1
        rest = np.delete(hidden, row)
        assert (rest == np.delete(np.array([2, *ids, 3]), row)).all()
    assert n_chosen[0] == n_chosen[5] == 0  # never [CLS] or [SEP]
    assert n_chosen[1:5].min() > 650  # 750 on average
    assert outcomes["mask"] == pytest.approx(2400, abs=90)
    assert outcomes["random"] == pytest.approx(300, abs=70)
    assert outcomes["same"] == pytest.approx(300, abs=70)


def test_the_rate_is_reached(frame: Frame) -> None:
    ids = list(range(50, 150))
    for unit in ("words", "pieces", "spans"):
        _, rows = hide(frame, ids, n_windows=50, unit=unit)
        assert len(rows) / 5000 == pytest.approx(0.15, abs=0.02)
    _, rows = hide(frame, ids, n_windows=50, unit="pieces", rate=0.4)
    assert len(rows) == 50 * 40


def test_whole_words_are_hidden_together(tokenizer: PieceTokenizer, frame: Frame) -> None:
    pieces = ["h", "##e", "##y", "rain", "b", "##o"] * 4
    ids = [tokenizer.find_id(piece) for piece in pieces]
    for epoch in range(20):
        _, rows = hide(frame, ids, key=make_key(1, epoch))  # type: ignore[arg-type]
        chosen = {int(row) - 1 for row in rows}
        for begin in range(0, 24, 6):
            for word in ({begin, begin + 1, begin + 2}, {begin + 4, begin + 5}):
                assert chosen & word in (set(), word)
    _, rows = hide(frame, ids, unit="pieces")  # type: ignore[arg-type]
    assert len(rows) == 4


def test_a_cut_word_does_not_belong_to_the_special_piece(
    tokenizer: PieceTokenizer, frame: Frame
) -> None:
    ids = [tokenizer.find_id("##e"), tokenizer.find_id("rain")]
    seen = set()
    for epoch in range(40):
        _, rows = hide(frame, ids, key=make_key(0, epoch))  # type: ignore[arg-type]
        seen |= set(rows.tolist())
    assert seen == {1, 2}


def test_spans_are_next_to_each_other(tokenizer: PieceTokenizer, frame: Frame) -> None:
    ids = list(range(50, 150))
    lengths = []
    for epoch in range(30):
        hidden, rows = hide(frame, ids, key=make_key(0, epoch), unit="spans")
        runs = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
        lengths += [len(run) for run in runs]
        masked = hidden[rows] == frame.mask_id
        for run in runs:  # neighbouring spans may differ, but most runs are one span
            assert len(run) <= 25
        assert masked.any()
    assert 2.5 < np.mean(lengths) < 6.0  # 3.8 in the paper, without neighbours that touch
    assert max(lengths) >= 5


def test_masks_are_drawn_anew_each_epoch_and_repeated_in_it(frame: Frame) -> None:
    ids = list(range(50, 110))
    first = hide(frame, ids)[0].tolist()
    assert hide(frame, ids)[0].tolist() == first
    assert hide(frame, ids, key=make_key(0, 1))[0].tolist() != first
    assert hide(frame, ids, key=make_key(1, 0))[0].tolist() != first
    alone = hide(frame, ids)[0]
    together = hide(frame, ids, n_windows=3)[0]
    assert (together[: len(alone)] == alone).all()  # whatever else is in the batch


def test_shares_of_what_stands_in_place(frame: Frame) -> None:
    ids = list(range(50, 150))
    hidden, rows = hide(frame, ids, n_windows=30, mask_share=0.0, random_share=1.0)
    drawn = hidden[rows]
    assert frame.is_ordinary[drawn].all()
    assert len(np.unique(drawn)) > 100
    hidden, rows = hide(frame, ids, mask_share=0.0, random_share=0.0)
    assert (hidden[1:-1] == ids).all()
    assert len(rows) == 15


def test_nothing_to_hide(frame: Frame) -> None:
    hidden, rows = hide(frame, [])
    assert (len(hidden), len(rows)) == (2, 0)
    hidden, rows = hide(frame, [1, 1, 1])  # unknown pieces teach nothing
    assert (hidden.tolist(), len(rows)) == ([2, 1, 1, 1, 3], 0)
    empty = np.zeros(0, dtype=np.int64)
    for unit in ("words", "spans"):
        hidden, rows = mask_pieces(
            empty, empty, empty, empty.astype(bool),
            frame=frame, settings=MaskSettings(unit=unit), key=1,
        )  # fmt: skip
        assert (len(hidden), len(rows)) == (0, 0)


@given(st.integers(0, 2**40), st.integers(0, 1000))
def test_hashes_are_spread(place: int, epoch: int) -> None:
    places = np.arange(place, place + 256)
    hashes = hash_places(places, make_key(3, epoch))
    assert len(np.unique(hashes)) == 256
    shares = (hashes >> np.uint64(11)).astype(float) * 2.0**-53
    assert 0.35 < shares.mean() < 0.65


def test_words_of_byte_level_pieces() -> None:
    frame = make_frame(PieceTokenizer.from_json(make_byte_bpe_tokenizer().to_str()))
    tokenizer = PieceTokenizer.from_json(make_byte_bpe_tokenizer().to_str())
    for name, is_start in (("Ġthe", True), ("he", False), (",", True), ("a", False)):
        index = tokenizer.find_id(name)
        assert index is not None
        assert frame.is_start[index] == is_start
    assert frame.middle == (2, 2)  # </s></s>, as in RoBERTa


def test_a_vocabulary_without_a_mask_piece(tokenizer_json: str) -> None:
    text = tokenizer_json.replace('"[MASK]"', '"[NONE]"')
    with pytest.raises(SettingError, match="no mask piece"):
        make_frame(PieceTokenizer.from_json(text))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rate", 0.0),
        ("rate", 1.0),
        ("dev_rate", 0.0),
        ("mask_share", 1.1),
        ("random_share", 0.3),
        ("unit", "texts"),
    ],
)
def test_settings_that_cannot_work(name: str, value: object) -> None:
    with pytest.raises(SettingError, match=name):
        replace(MaskSettings(), **{name: value})

"""Which sentences make a window, and whether its second text follows the first.

    passage       s0 s1 s2 s3 s4 s5                 other passage   t0 t1 t2
    follows       [CLS] s0 s1 [SEP] s2 [SEP]        0
    elsewhere     [CLS] s0 s1 [SEP] t1 t2 [SEP]     1, and s2 begins the next window
    single        [CLS] s0 s1 s2 [SEP]              no answer

Nothing is cut off: a sentence that is too long for its place is cut in parts, and what another
text has taken the place of comes in the next window.

Paper: Devlin et al., section 3.1 and appendix A.2, https://arxiv.org/abs/1810.04805. Swapped texts
as negatives: Lan et al., ALBERT, section 3.1, https://arxiv.org/abs/1909.11942
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..errors import Errors, SettingError
from ..pieces import IntArray
from .frame import Frame
from .store import PieceStore

NEGATIVES = ("other", "same", "swap")
FOLLOWS, ELSEWHERE, NO_ANSWER = 0, 1, -100
N_TRIES = 20


@dataclass(frozen=True)
class PairSettings:
    """The next-sentence task.

    weight: Of its loss; 0.0 leaves it out, and windows have one text.
    share: Of the pairs, those whose second text follows the first.
    negatives: Where other second texts come from: "other" documents, elsewhere in the "same"
        one, or both texts are "swap"ped.
    """

    weight: float = 1.0
    share: float = 0.5
    negatives: str = "other"

    def __post_init__(self) -> None:
        checks = (
            ("weight", self.weight, self.weight >= 0.0, "at least 0.0"),
            ("share", self.share, 0.0 < self.share < 1.0, "between 0 and 1"),
            ("negatives", self.negatives, self.negatives in NEGATIVES, " or ".join(NEGATIVES)),
        )
        for name, got, is_right, expected in checks:
            if not is_right:
                name = f"pretraining.next_sentence.{name}"
                raise SettingError(Errors.SB002.format(name=name, expected=expected, got=got))


@dataclass(frozen=True)
class WindowPlanner:
    """Cuts passages into windows.

    store: The corpus.
    frame: Special pieces.
    max_pieces: Of a window, special pieces included.
    pairs: The next-sentence task.
    short_share: Of the windows, those that are made shorter, so that short texts are seen too.
    """

    store: PieceStore
    frame: Frame
    max_pieces: int
    pairs: PairSettings
    short_share: float = 0.1

    def check(self) -> None:
        """Check that the corpus can give pairs, where they are wanted.

        RAISES (SettingError): It has too few sentences or documents.
        """
        store, kind = self.store, self.pairs.negatives
        if not self.pairs.weight:
            return
        reason = ""
        if len(store.sentences) - 1 < 2 or int(np.diff(store.passages).max()) < 2:
            reason = "and no document has two of them"
        elif kind == "other" and store.n_documents < 2:
            reason = "and 'negatives = \"other\"' takes second texts from other documents"
        if reason:
            n_sentences = len(store.sentences) - 1
            raise SettingError(
                Errors.SB807.format(
                    n_documents=store.n_documents, n_sentences=n_sentences, reason=reason
                )
            )

    def plan(self, passage: int, rng: np.random.Generator) -> IntArray:
        """Cut a passage into windows.

        passage: Which.
        rng: Decides what is left to chance.
        RETURNS: Where the two texts of each window begin and end in the store, and whether the
            second follows. The second is empty in windows without an answer.
        Shape: -> (n_windows, 5), int64
        """
        if not self.pairs.weight:
            return self._plan_singles(passage, rng)
        return self._plan_pairs(passage, rng)

    def _plan_singles(self, passage: int, rng: np.random.Generator) -> IntArray:
        room = self.max_pieces - self.frame.n_special
        borders = cut_long(self.store.find_borders(passage), room)
        rows, first = [], 0
        while first < len(borders) - 1:
            last = _fill(borders, first, self._draw_room(room, rng))
            rows.append((borders[first], borders[last], 0, 0, NO_ANSWER))
            first = last
        return np.array(rows, dtype=np.int64).reshape(-1, 5)

    def _plan_pairs(self, passage: int, rng: np.random.Generator) -> IntArray:
        room = self.max_pieces - self.frame.n_pair_special
        # Of any two neighbours both fit.
        borders = cut_long(self.store.find_borders(passage), room // 2)
        rows, first, n = [], 0, len(borders) - 1
        while first < n:
            wanted = self._draw_room(room, rng)
            last = max(_fill(borders, first, wanted), min(first + 2, n))
            wanted = max(wanted, int(borders[last] - borders[first]))
            if last - first < 2:  # one sentence is left over: no question about it
                rows.append((borders[first], borders[last], 0, 0, NO_ANSWER))
                break
            middle = int(rng.integers(first + 1, last))
            begin, split, end = (int(borders[i]) for i in (first, middle, last))
            if rng.random() < self.pairs.share:
                rows.append((begin, split, split, end, FOLLOWS))
                first = last
            elif self.pairs.negatives == "swap":
                rows.append((split, end, begin, split, ELSEWHERE))
                first = last
            else:
                left = wanted - (split - begin)
                other = self._draw_other(passage, borders, (first, last), left, rng)
                rows.append((begin, split, *other, ELSEWHERE if other[1] else NO_ANSWER))
                first = middle
        return np.array(rows, dtype=np.int64).reshape(-1, 5)

    def _draw_other(
        self,
        passage: int,
        borders: IntArray,
        around: tuple[int, int],
        room: int,
        rng: np.random.Generator,
    ) -> tuple[int, int]:
        """Draw a text from elsewhere. RETURNS: Begin and end, 0 and 0 where there is none."""
        if self.pairs.negatives == "same":
            before, after = np.arange(around[0]), np.arange(around[1], len(borders) - 1)
            places = np.concatenate([before, after])
            return _draw_text(borders, places, room, rng, limit=int(borders[around[0]]))
        found: tuple[int, int] = (0, 0)
        for _ in range(N_TRIES):
            drawn = self._draw_passage(passage, rng)
            if drawn is None:
                return 0, 0
            begins = self.store.find_borders(drawn)
            found = _draw_text(begins, np.arange(len(begins) - 1), room, rng)
            if found[1] in begins:  # ends where a sentence ends, as texts that follow do
                break
        return found

    def _draw_passage(self, passage: int, rng: np.random.Generator) -> int | None:
        """Draw a passage of another document. None where there is none."""
        documents = self.store.documents
        for _ in range(N_TRIES):
            drawn = int(rng.integers(self.store.n_passages))
            if documents[drawn] != documents[passage]:
                return drawn
        # Nearly all of the corpus is this document.
        others = np.flatnonzero(documents != documents[passage])
        return int(others[rng.integers(len(others))]) if len(others) else None

    def _draw_room(self, room: int, rng: np.random.Generator) -> int:
        if rng.random() >= self.short_share:
            return room
        return int(rng.integers(min(2, room), room + 1))


def cut_long(borders: IntArray, limit: int) -> IntArray:
    """Add borders inside of what is longer than a limit. Shape: (n,) -> (at least n,)"""
    lengths = np.diff(borders)
    if not len(lengths) or int(lengths.max()) <= limit:
        return borders
    parts = [np.arange(b, e, limit) for b, e in pairwise(borders)]
    return np.concatenate([*parts, borders[-1:]]).astype(np.int64)


def _fill(borders: IntArray, first: int, room: int) -> int:
    """The last border that a text from the first on may reach; at least the next one."""
    last = int(np.searchsorted(borders, borders[first] + room, side="right")) - 1
    return max(last, first + 1)


def _draw_text(
    borders: IntArray,
    places: IntArray,
    room: int,
    rng: np.random.Generator,
    *,
    limit: int | None = None,
) -> tuple[int, int]:
    """Draw a text that begins with one of some sentences and fills a room.

    limit: Texts that begin before it also end before it.
    RETURNS: Begin and end, 0 and 0 where there is no place. It ends where a sentence ends, unless
        its first one is too long.
    """
    if not len(places):
        return 0, 0
    first = int(places[rng.integers(len(places))])
    begin = int(borders[first])
    end = int(borders[_fill(borders, first, room)])
    end = min(end, begin + room)
    return begin, min(end, limit) if limit is not None and begin < limit else end

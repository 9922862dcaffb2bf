"""Which pieces are hidden, and what stands in their place.

Of the pieces 15 % are to be guessed: 80 % of these become the mask piece, 10 % a random piece, and
10 % stay as they are. Devlin et al., section 3.1, https://arxiv.org/abs/1810.04805. Spans of words:
Joshi et al., SpanBERT, section 3.1, https://arxiv.org/abs/1907.10529

Chance is a hash of seed, epoch and the place of a piece in the corpus. So the mask of a text is
another one in each epoch, the same one when an epoch is repeated, and does not depend on the batch.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..errors import Errors, SettingError
from ..pieces import IntArray
from .frame import Frame

UNITS = ("words", "pieces", "spans")
Hashes = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]
# Lengths of spans, in words: geometric with this chance to end, up to a longest one.
SPAN_END, LONGEST_SPAN = 0.2, 10


@dataclass(frozen=True)
class MaskSettings:
    """The masked-word task.

    weight: Of its loss; 0.0 leaves it out.
    rate: Share of pieces to be guessed.
    dev_rate: The same in held-out text; None: as in training. A small encoder learns faster from
        more hidden pieces, and is still asked what others are asked.
    mask_share, random_share: Of these, those that become the mask piece, or a random one. The
        rest stay as they are.
    unit: What is hidden together: the pieces of whole "words", single "pieces", or "spans" of
        words.
    """

    weight: float = 1.0
    rate: float = 0.15
    dev_rate: float | None = None
    mask_share: float = 0.8
    random_share: float = 0.1
    unit: str = "words"

    def __post_init__(self) -> None:
        rest = 1.0 - self.mask_share
        checks = (
            ("weight", self.weight, self.weight >= 0.0, "at least 0.0"),
            ("rate", self.rate, 0.0 < self.rate < 1.0, "between 0 and 1"),
            (
                "dev_rate",
                self.dev_rate,
                self.dev_rate is None or 0.0 < self.dev_rate < 1.0,
                "between 0 and 1, or null",
            ),
            ("mask_share", self.mask_share, 0.0 <= self.mask_share <= 1.0, "from 0 to 1"),
            (
                "random_share",
                self.random_share,
                0.0 <= self.random_share <= rest + 1e-9,
                "from 0 to what mask_share leaves",
            ),
            ("unit", self.unit, self.unit in UNITS, " or ".join(map(repr, UNITS))),
        )
        for name, got, is_right, expected in checks:
            if not is_right:
                name = f"pretraining.masking.{name}"
                raise SettingError(Errors.SB002.format(name=name, expected=expected, got=got))

    def for_dev(self) -> "MaskSettings":
        """The same settings for held-out text."""
        return self if self.dev_rate is None else replace(self, rate=self.dev_rate, dev_rate=None)


def mask_pieces(
    ids: IntArray,
    places: IntArray,
    windows: IntArray,
    begins: Bools,
    *,
    frame: Frame,
    settings: MaskSettings,
    key: int,
) -> tuple[IntArray, IntArray]:
    """Hide pieces of packed windows.

    ids: Ids of all pieces.
    places: Place of each piece in the corpus, below 0 for special ones.
    windows: Window of each piece, ascending.
    begins: Whether a piece begins a sentence, and with it a word.
    frame: Special pieces.
    settings: How many, and which.
    key: Of this seed and epoch: see `make_key`.
    RETURNS: Ids with pieces hidden, and the rows of all pieces that are to be guessed.
    Shape: ids, places, windows, begins (n_pieces,) -> (n_pieces,), (n_hidden,)
    """
    can_hide = (places >= 0) & frame.is_ordinary[ids]
    hashes = hash_places(places, key)
    starts = begins | (places < 0) | frame.is_start[ids]
    starts[:1] = True
    starts[1:] |= places[:-1] < 0  # a long sentence goes on in the middle of a word
    if settings.unit == "pieces":
        starts = np.ones_like(starts)
    words = np.cumsum(starts) - 1
    if settings.unit == "spans":
        words = _join_spans(words, starts, windows, places, hashes)
    chosen = _choose(words, windows, can_hide, hashes, rate=settings.rate)
    rows = np.flatnonzero(chosen).astype(np.int64)
    deciding = rows
    if settings.unit == "spans":  # what stands in a span's place is decided once
        firsts = np.flatnonzero(np.diff(words, prepend=-1))
        deciding = firsts[words[rows]]
    chance = _to_share(hash_places(places[deciding], key + 1))
    hidden = ids.copy()
    is_masked = chance < settings.mask_share
    is_random = ~is_masked & (chance < settings.mask_share + settings.random_share)
    hidden[rows[is_masked]] = frame.mask_id
    drawn = hash_places(places[rows[is_random]], key + 2) % np.uint64(max(len(frame.ordinary), 1))
    hidden[rows[is_random]] = frame.ordinary[drawn.astype(np.int64)]
    return hidden, rows


def make_key(seed: int, epoch: int) -> int:
    """Make the key of an epoch's masks. Neighbouring keys, which are for other draws, are free."""
    return (seed * 1_000_003 + epoch) * 16


def hash_places(places: IntArray, key: int) -> Hashes:
    """Turn places into 64 random-looking bits (SplitMix64). Shape: (n,) -> (n,)

    Steele, Lea and Flood (2014), https://doi.org/10.1145/2714064.2660195
    """
    step = np.uint64(0x9E3779B97F4A7C15)
    start = np.uint64((key * 0xD1342543DE82EF95 + 0x2545F4914F6CDD1D) % 2**64)
    x = (places.astype(np.uint64) + np.uint64(1)) * step + start
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    return x ^ (x >> np.uint64(31))


def _to_share(hashes: Hashes) -> npt.NDArray[np.float64]:
    """Map hashes to numbers from 0 up to 1."""
    return (hashes >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _choose(
    words: IntArray, windows: IntArray, can_hide: Bools, hashes: Hashes, *, rate: float
) -> Bools:
    """Choose whole words of each window in random order until the rate is reached.

    At least one word of every window that has one is chosen.
    Shape: (n_pieces,) each -> (n_pieces,)
    """
    n_words = int(words[-1]) + 1 if len(words) else 0
    sizes = np.bincount(words, weights=can_hide, minlength=n_words).astype(np.int64)
    firsts = np.flatnonzero(np.diff(words, prepend=-1))
    owners = windows[firsts]
    n_windows = int(windows[-1]) + 1 if len(windows) else 0
    n_hideable = np.bincount(windows, weights=can_hide, minlength=n_windows)
    budgets = np.maximum(np.round(n_hideable * rate), 1.0)
    # A word that is too long is taken where there is no other.
    is_long = sizes > budgets[owners]
    order = np.lexsort((hashes[firsts], is_long, owners))
    order = order[sizes[order] > 0]
    sizes, owners, is_long = sizes[order], owners[order], is_long[order]
    reached = np.cumsum(sizes)
    is_first = np.diff(owners, prepend=-1) != 0
    before = (reached - sizes)[is_first]  # of earlier windows
    reached = reached - before[np.cumsum(is_first) - 1]
    # A word may reach beyond the budget by half of itself, which is right on average.
    is_chosen = is_first | (~is_long & (reached - sizes / 2.0 <= budgets[owners]))
    chosen_words = np.zeros(n_words, dtype=bool)
    chosen_words[order[is_chosen]] = True
    chosen: Bools = chosen_words[words] & can_hide
    return chosen


def _join_spans(
    words: IntArray, starts: Bools, windows: IntArray, places: IntArray, hashes: Hashes
) -> IntArray:
    """Join neighbouring words to spans of random lengths, cut at special pieces."""
    firsts = np.flatnonzero(starts)
    chance = _to_share(hashes[firsts])
    lengths = np.floor(np.log1p(-chance) / np.log1p(-SPAN_END)).astype(np.int64) + 1
    lengths = np.minimum(lengths, LONGEST_SPAN)
    is_special = places[firsts] < 0
    owners = windows[firsts]
    begins = np.zeros(len(firsts), dtype=bool)
    left = 0
    for n in range(len(firsts)):
        if left == 0 or is_special[n] or is_special[n - 1] or owners[n] != owners[n - 1]:
            begins[n], left = True, int(lengths[n])
        left -= 1
    spans: IntArray = (np.cumsum(begins) - 1)[words]
    return spans

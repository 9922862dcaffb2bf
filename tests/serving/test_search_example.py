"""The example of a search in two stages finds what it should."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.training import Example

from spacy_bert_plugin.util.pairs import make_pair_doc

FOLDER = Path(__file__).parent.parent.parent / "examples" / "search"
TEXTS = ["play some music", "book a table in london", "is the weather good", "set the alarm"]


@pytest.fixture
def search(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    pytest.importorskip("faiss")
    monkeypatch.syspath_prepend(str(FOLDER))
    import search

    yield search
    del sys.modules["search"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_both_stages(search: Any, tiny_checkpoint: Path) -> None:
    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe("bert_transformer", config={"model": {"name": str(tiny_checkpoint), "overlap": 8}})
    nlp.add_pipe("bert_embedder")
    nlp.initialize()
    index = search.build_index(search.embed(nlp, TEXTS))
    found = search.find(nlp, index, TEXTS, n_candidates=3)
    assert [rows[0] for rows in found] == [0, 1, 2, 3]
    assert all(len(set(rows)) == 3 for rows in found)
    pairs = spacy.blank("en")
    pairs.add_pipe(
        "bert_transformer", config={"model": {"name": str(tiny_checkpoint), "overlap": 8}}
    )
    pairs.add_pipe("bert_textcat")
    doc = make_pair_doc(pairs, "play", "music")
    doc.cats = {"YES": 1.0, "NO": 0.0}
    pairs.initialize(lambda: [Example(make_pair_doc(pairs, "play", "music"), doc)])
    ranked = list(search.rerank(pairs, "YES", TEXTS, "play", found[0]))
    assert sorted(row for _, row in ranked) == sorted(found[0])
    assert [score for score, _ in ranked] == sorted((s for s, _ in ranked), reverse=True)
    best, row = ranked[0]
    alone = pairs(make_pair_doc(pairs, "play", TEXTS[row]))
    assert best == pytest.approx(alone.cats["YES"], abs=1e-5)

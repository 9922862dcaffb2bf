from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from spacy_bert_plugin.training.formats import Record, TextSpan, split_records


def make(text: str, label: str, line: int, span: str = "") -> Record:
    spans = (TextSpan(0, 1, span),) if span else ()
    return Record(path=Path("f"), line=line, text=text, cats={label: 1.0}, spans=spans)


ROWS = st.lists(
    st.tuples(st.text("abcd", min_size=1, max_size=2), st.sampled_from("XYZ")), max_size=40
)


@given(ROWS, st.floats(0, 1), st.integers(0, 5))
def test_parts_belong_together(rows: list[tuple[str, str]], share: float, seed: int) -> None:
    records = [make(text, label, i) for i, (text, label) in enumerate(rows)]
    rest, aside = split_records(records, share=share, seed=seed)
    lines = [record.line for record in rest], [record.line for record in aside]
    assert sorted(lines[0] + lines[1]) == list(range(len(rows)))
    assert lines == (sorted(lines[0]), sorted(lines[1]))
    assert not {r.text for r in rest} & {r.text for r in aside}
    assert {r.positive for r in aside} <= {r.positive for r in rest}
    assert len(aside) <= round(share * len(rows))
    assert split_records(records, share=share, seed=seed) == (rest, aside)


def test_share_and_seed() -> None:
    records = [make(str(i), "XY"[i % 2], i) for i in range(200)]
    _, one = split_records(records, share=0.1, seed=0)
    _, two = split_records(records, share=0.1, seed=1)
    assert len(one) == len(two) == 20
    assert one != two


def test_labels_of_spans_stay_too() -> None:
    records = [make(str(i), "X", i, span="rare" if i == 3 else "common") for i in range(50)]
    for seed in range(20):
        rest, _ = split_records(records, share=0.5, seed=seed)
        assert 3 in {record.line for record in rest}

"""Workers that die, are interrupted or lose their parent: an error and never a hang."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import spacy
from served_scripts import SECONDS, begin_code, run_code
from spacy.tokens import Doc, Span

from spacy_bert_plugin.errors import SettingError
from spacy_bert_plugin.pipeline.processes import pipe_processes

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

HEAD = """
import os, signal, sys, time
import spacy
from spacy.language import Language
from spacy_bert_plugin.errors import WorkerError
from spacy_bert_plugin.pipeline.processes import pipe_processes

@Language.component("killed")
def kill(doc):
    if doc.text == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if doc.text == "no":
        raise ValueError("not this one")
    if doc.text == "wait":
        time.sleep(1000)
    return doc

nlp = spacy.load(sys.argv[1])
nlp.add_pipe("killed")
nlp("the house")  # the parent has computed, with its threads
"""


SPAWNED = """
import sys
import spacy
from spacy_bert_plugin.pipeline.processes import pipe_processes

if __name__ == "__main__":
    nlp = spacy.load(sys.argv[1])
    texts = ["book a table in london"] * 5
    docs = list(pipe_processes(nlp, texts, n_process=1, batch_size=2, start_method="spawn"))
    expected = nlp(texts[0])
    print(len(docs), all(abs(doc.cats["BOOK"] - expected.cats["BOOK"]) < 1e-4 for doc in docs))
"""


def test_the_same_as_in_one_process(model: Path) -> None:
    nlp = spacy.load(model)
    texts = ["book a table in london " * (n % 3) for n in range(7)]
    expected = list(nlp.pipe(texts))
    found = list(pipe_processes(nlp, [*texts[:3], *map(nlp.make_doc, texts[3:])], batch_size=2))
    assert [doc.text for doc in found] == texts
    assert [doc.to_json()["ents"] for doc in found] == [doc.to_json()["ents"] for doc in expected]
    for doc, same in zip(found, expected, strict=True):
        assert doc.cats == pytest.approx(same.cats, abs=1e-5)
        assert doc.vocab is nlp.vocab
    assert list(pipe_processes(nlp, [])) == []


def test_an_endless_stream_is_cut_short(model: Path) -> None:
    nlp = spacy.load(model)
    drawn = 0

    def stream():
        nonlocal drawn
        while True:
            drawn += 1
            yield "play some music"

    docs = pipe_processes(nlp, stream(), batch_size=4)
    assert isinstance(next(docs), Doc)
    docs.close()
    assert drawn <= 4 * 4  # two batches for each of two workers
    assert psutil.Process().children() == []


def test_a_process_that_has_only_unpickled_a_pipeline(model: Path) -> None:
    """As pools of joblib, Dask or Ray do: nothing was constructed there."""
    nlp = spacy.load(model)
    Span.remove_extension("confidence")
    Doc.remove_extension("trf_data")
    doc = nlp("book a table in london")
    assert Doc.has_extension("trf_data")
    assert Span.has_extension("confidence")
    assert all(ent._.confidence > 0 for ent in doc.ents)


def test_spawned_workers(model: Path, tmp_path: Path) -> None:
    (tmp_path / "spawned.py").write_text(SPAWNED, encoding="utf8")
    command = [sys.executable, str(tmp_path / "spawned.py"), str(model)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert result.stdout.split() == ["5", "True"], result.stderr


@pytest.mark.parametrize("setting", [{"n_process": 0}, {"n_process": "2"}, {"batch_size": 0}])
def test_impossible_numbers(model: Path, setting: dict[str, object]) -> None:
    with pytest.raises(SettingError, match=next(iter(setting))):
        pipe_processes(spacy.blank("en"), ["text"], **setting)  # before the first Doc is asked for


def test_a_worker_that_fails_or_dies_is_an_error(model: Path) -> None:
    code = """
def read(*texts):
    found, begin = [], time.monotonic()
    try:
        for doc in pipe_processes(nlp, texts, batch_size=1):
            found.append(doc.text)
    except (WorkerError, ValueError) as error:
        print(found, type(error).__name__, "SECRET" in str(error), time.monotonic() - begin < 60)

read("one", "two", "no")
read("SECRET", "die", "two", "die")
os.register_at_fork(after_in_child=lambda: os.kill(os.getpid(), signal.SIGKILL))
read("SECRET", "two")
print(len(list(nlp.pipe(["the house"]))))
"""
    result = run_code(HEAD + code, model, options=("-W", "error"))
    one, killed, unstarted, after = result.stdout.splitlines() or [result.stderr, "", "", ""]
    assert one == "['one', 'two'] ValueError False True"
    assert killed.endswith("WorkerError False True")
    assert unstarted == "[] WorkerError False True"
    assert after == "1"


def test_an_interrupt_ends_workers(model: Path) -> None:
    code = """
signal.signal(signal.SIGINT, signal.default_int_handler)
print("ready", flush=True)
try:
    list(pipe_processes(nlp, map(str, range(10**9)), batch_size=4))
except KeyboardInterrupt:
    print("interrupted", len(list(nlp.pipe(["the house"]))), flush=True)
"""
    process = begin_code(HEAD + code, model)
    time.sleep(1.0)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does it
    out, err = process.communicate(timeout=240)
    assert out.split() == ["interrupted", "1"], err
    assert "Traceback" not in err
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_workers_end_with_their_parent(model: Path) -> None:
    code = """
print("ready", flush=True)
list(pipe_processes(nlp, ["wait"] * 8, batch_size=1))
"""
    process = begin_code(HEAD + code, model)
    parent = psutil.Process(process.pid)
    workers: list[psutil.Process] = []
    while len(workers) < 2:
        workers = parent.children(recursive=True)
        time.sleep(0.05)
    time.sleep(0.5)  # until they work
    process.kill()
    process.communicate()
    _, alive = psutil.wait_procs(workers, timeout=60)
    assert alive == []

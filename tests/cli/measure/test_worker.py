"""Systems in processes of their own."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from spacy_bert_plugin.cli.measure.serve import serve
from spacy_bert_plugin.cli.measure.system import share_texts
from spacy_bert_plugin.cli.measure.worker import Worker, make_environment, name_exit
from spacy_bert_plugin.errors import WorkerError

HERE = Path(__file__).parent


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, Any]:
    texts = share_texts(["a", "b"], tmp_path / "texts.json")
    return {"texts": texts, "latency_texts": texts, "n_passes": 1}


def start(target: str, tmp_path: Path, **settings: Any) -> Worker:
    log = tmp_path / "it.log"
    return Worker("it", target, settings=settings, threads=3, log=log, folder=HERE)


def test_answers_and_time(tmp_path: Path) -> None:
    with start("fake_systems:echo", tmp_path, name="näme") as worker:
        answer = worker.call("say", text="tëxt\u2028")
    assert answer["result"] == ["näme", "tëxt\u2028", "3"]
    assert 0.0 <= answer["seconds"] < 1.0
    assert worker.process.returncode == 0


def test_what_is_printed_is_no_answer(tmp_path: Path, settings: dict[str, Any]) -> None:
    with start("fake_systems:Sleeper", tmp_path, **settings) as worker:
        assert worker.call("describe")["result"]["load_seconds"] == 0.5
        assert len(worker.call("run_singles")["result"]) == 2
    assert "this is not an answer" in (tmp_path / "it.log").read_text()


def test_the_message_of_a_failure_is_passed_on(tmp_path: Path, settings: dict[str, Any]) -> None:
    with pytest.raises(WorkerError, match="it failed to load: ValueError: no such model") as caught:
        start("fake_systems:Sleeper", tmp_path, **settings, fails="load")
    assert "Traceback" in caught.value.trace
    with start("fake_systems:Sleeper", tmp_path, **settings, fails="run") as worker:
        with pytest.raises(WorkerError, match="failed to run: RuntimeError: the weights are wrong"):
            worker.call("run")
        # It still lives.
        assert worker.call("read_memory")["result"].keys() == {"peak_bytes", "gpu_peak_bytes"}


@pytest.mark.parametrize(
    ("fails", "message"),
    [("exit", "exit code 3 while it was to run.*out of luck"), ("kill", "SIGKILL.*memory ran out")],
)
def test_a_process_that_ends(
    tmp_path: Path, settings: dict[str, Any], fails: str, message: str
) -> None:
    with start("fake_systems:Sleeper", tmp_path, **settings, fails=fails) as worker:
        with pytest.raises(WorkerError, match=f"(?s){message}"):
            worker.call("run")
        with pytest.raises(WorkerError, match="ended with"):
            worker.call("run")


def test_an_error_ends_the_process(tmp_path: Path) -> None:
    worker = start("fake_systems:echo", tmp_path, name="x")
    with pytest.raises(KeyError), worker:
        raise KeyError("something else")
    assert worker.process.returncode is not None


def test_a_target_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match="nowhere"):
        start("fake_systems:nowhere", tmp_path)


def test_serving_without_a_process() -> None:
    lines = ["{}", '{"do": "update", "a": 1}', '{"do": "__len__"}', '{"do": "keys"}', '{"do": "x"}']
    answers = io.StringIO()
    serve("collections:OrderedDict", io.StringIO("\n".join(lines)), answers)
    ready, nothing, one, no_json, unknown = map(json.loads, answers.getvalue().splitlines())
    assert ready == {"ready": True}
    assert (nothing["result"], one["result"]) == (None, 1)
    assert "TypeError" in no_json["error"]
    assert "has no attribute 'x'" in unknown["error"]
    serve("collections:OrderedDict", io.StringIO(""), empty := io.StringIO())
    assert empty.getvalue() == ""


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert make_environment(threads=2, folder=HERE)["PYTHONPATH"] == str(HERE)
    assert "PYTHONPATH" not in make_environment(threads=2)
    assert name_exit(-9) == "signal SIGKILL"
    assert name_exit(-250) == "signal 250"

"""Same seed, same machine: the same weights, in another process with other hashes of strings."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from tests.training import tiny_runs
from tests.training.tiny_runs import make_config, read_weights, write_data


def hash_weights(model: Path) -> str:
    digest = hashlib.sha256()
    for name, data in read_weights(model).items():
        digest.update(name.encode() + data)
    return digest.hexdigest()


def test_two_processes_learn_the_same(tmp_path: Path, tiny_checkpoint: Path) -> None:
    data = write_data(tmp_path / "data.spacy")
    config = make_config("bert_ner", data, encoder=tiny_checkpoint, max_steps=4)
    config.to_disk(tmp_path / "config.cfg")
    runs = []
    for name in ("1", "2"):
        command = [
            *(sys.executable, "-m", "spacy", "bert", "train", str(tmp_path / "config.cfg")),
            *("--output", str(tmp_path / name), "--code", tiny_runs.__file__),
        ]
        environment = {**os.environ, "PYTHONHASHSEED": name}
        runs.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE))
    for process in runs:
        out, _ = process.communicate(timeout=600)
        assert process.returncode == 0, out
    for part in ("model-best", "model-last", "resume/model"):
        hashes = {hash_weights(tmp_path / name / part) for name in ("1", "2")}
        assert len(hashes) == 1, part
    config["training"]["seed"] = 4
    tiny_runs.run(config, tmp_path / "3")
    assert hash_weights(tmp_path / "3" / "model-last") != hash_weights(tmp_path / "1/model-last")

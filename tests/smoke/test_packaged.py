"""A package of a pipeline declares what it needs and holds what it needs."""

import json
import socket
from pathlib import Path

import packaged
import pytest
import spacy
from spacy.cli.package import get_third_party_dependencies, package

from spacy_bert_plugin.about import __version__

# spaCy leaves the closing of the files that it writes into a package to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
]


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder with a package whose wheel is not built."""
    nlp = packaged.build_pipeline(tmp_path / "made-from")
    nlp.to_disk(tmp_path / "pipeline")
    (tmp_path / "answers.json").write_text(json.dumps(packaged.find_answers(nlp)))
    (tmp_path / "made-from" / "tokenizer.json").unlink()
    (tmp_path / "packages").mkdir()
    package(
        tmp_path / "pipeline", tmp_path / "packages", name="rooms", version="1.0.0",
        create_sdist=False, require_parent=True,
    )  # fmt: skip
    return tmp_path / "packages" / "en_rooms-1.0.0"


def test_package_asks_for_the_plugin(packages: Path) -> None:
    meta = json.loads((packages / "meta.json").read_text())
    needed = {line.partition(">=")[0]: line for line in meta["requirements"]}
    major, minor = map(int, __version__.split(".")[:2])
    assert needed["spacy-bert-plugin"] == (
        f"spacy-bert-plugin>={__version__},<{major}.{minor + 1}.0"
    )
    assert needed["spacy"].startswith("spacy>=3.8")


def test_a_component_of_spacy_with_our_encoder_asks_for_it_too(tmp_path: Path) -> None:
    nlp = packaged.build_pipeline(tmp_path / "made-from")
    encoder = nlp.config["components"]["bert_transformer"]["model"]
    nlp = spacy.blank("en")
    nlp.add_pipe(
        "tagger", config={"model": {"@architectures": "spacy.Tagger.v2", "tok2vec": encoder}}
    )
    (found,) = get_third_party_dependencies(nlp.config)
    assert found.startswith("spacy-bert-plugin>=")


def test_package_loads_without_a_network(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    expected = json.loads((packages.parent.parent / "answers.json").read_text())
    nlp = spacy.load(packages / "en_rooms" / "en_rooms-1.0.0")
    assert json.loads(json.dumps(packaged.find_answers(nlp))) == expected
    assert expected["ents"]

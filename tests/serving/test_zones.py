"""Threads in one memory zone: every word comes out as it went in, and strings are let go of."""

import random
import threading

import pytest
import spacy

from spacy_bert_plugin.errors import SettingError
from spacy_bert_plugin.pipeline.zones import SharedZone

N_THREADS = 4


@pytest.mark.parametrize("n_texts", [1, 7, 10_000])
def test_threads_keep_their_words(n_texts: int) -> None:
    nlp = spacy.blank("en")
    zone = SharedZone(nlp, n_texts=n_texts)
    n_strings = len(nlp.vocab.strings)
    wrong: list[object] = []

    def work(seed: int) -> None:
        draw = random.Random(seed)
        for _ in range(150):
            words = [f"w{draw.getrandbits(60):x}" for _ in range(20)]
            try:
                with zone.enter():
                    found = [token.text for token in nlp(" ".join(words))]
            except KeyError as error:  # what zones of each thread's own would lead to
                found = [str(error)]
            if found != words:
                wrong.append(found)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(N_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    zone.close()
    assert len(nlp.vocab.strings) == n_strings


def test_an_error_inside_leaves_the_zone() -> None:
    nlp = spacy.blank("en")
    zone = SharedZone(nlp, n_texts=1)
    for _ in range(3):
        with pytest.raises(ValueError, match="mine"), zone.enter():
            raise ValueError("mine")
    zone.close()
    zone.close()
    with zone.enter():
        assert nlp("again")[0].text == "again"


@pytest.mark.parametrize("n_texts", [0, "10", True])
def test_impossible_numbers(n_texts: object) -> None:
    with pytest.raises(SettingError, match="n_texts"):
        SharedZone(spacy.blank("en"), n_texts=n_texts)

"""Why a test of another library fails with ours, where that is no defect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .methods import Method, Outcome, run

RATE = 0.003  # three times that of spaCy's default optimizer
THRESHOLD = (
    "a threshold of the loss that a random transformer reaches later than a random CNN: "
    f"passes at a learning rate of {RATE} instead of 0.001"
)
BASELINE = "fails in this environment without us, too"
NAMES = "compares the text of a config with the name of their architecture"
DUMMY = "builds the component over a stand-in for their own model class"
NO_ZEROS = (
    "expects an answer from a head whose encoder is disabled: ours is an error (SB507), never "
    "a guess"
)
TOKENIZER = "reads or changes attributes of their model class (tokenizer, transformer)"
PIECES = "asks a listener for their class of pieces: ours hands on one vector a token"
SEPARATE = "expects their listener in the list, where the listener of ours beside it stands"

# By name of the test, for all methods, or for one of them.
REASONS: dict[str, str] = {
    "test_tok2vec_listener": NO_ZEROS,
    "test_tok2vec_frozen_not_annotating": "the error is ours (SB507), so its words are, too",
    "test_tok2vec_frozen_overfitting": (
        "a threshold of the loss over frozen random vectors: falls, and more slowly over bytes "
        "than over hashed words"
    ),
    "B:test_replace_listeners": NAMES,
    "test_replace_listeners_from_config": NAMES,
    "test_create_nlp_from_config_multiple_instances": "compares the name of the factory",
    "test_config_interpolation": "reads the width in a listener's config: ours has none",
    "test_init": DUMMY,
    "test_predict": DUMMY,
    "test_set_annotations": DUMMY,
    "test_set_extra_annotations": DUMMY,
    "test_listeners": DUMMY,
    "C1:test_transformer_pipeline_tagger_senter_listener": SEPARATE,
    "C2:test_transformer_pipeline_tagger_senter_listener": PIECES,
    "test_transformer_sentencepiece_IO": PIECES,
    "test_transformer_pipeline_empty": (
        "an empty Doc has hidden states of no rows, where theirs has no hidden states"
    ),
    "C1:test_replace_listeners": SEPARATE,
    "C2:test_replace_listeners": "compares the class of the model with theirs",
    "C1:test_no_update_listener_in_predict": (
        "looks for the callback on their listener: the one of ours beside it holds it"
    ),
    "C1:test_source_replace_listeners": (
        "a listener of theirs is not replaced with a copy of an encoder of ours: an error (SB763)"
    ),
    "C2:test_source_replace_listeners": NAMES,
    "test_serialize_transformer_data": (
        "round trip of their class through msgpack: what ours leaves on a Doc does not travel"
    ),
    "test_initialized_transformer_tobytes": TOKENIZER,
    "test_initialized_transformer_todisk": TOKENIZER,
    "test_transformer_pipeline_todisk_settings": TOKENIZER,
    "test_transformer_pipeline_tagger_internal": "looks for the layers of their inline model",
    "test_init_nlp": SEPARATE,
    "test_empty_doc": NO_ZEROS,
}


def explain(method: Method, failed: Sequence[Outcome]) -> dict[str, str]:
    """Find out why tests failed.

    Runs them again with a higher learning rate, and with the other library's own encoder, before a
    reason that was written down is believed.

    RETURNS (dict): Reason by test; what is not in it is not explained.
    """
    reasons = dict.fromkeys(_find_passing(method, failed, rate=RATE), THRESHOLD)
    left = [outcome for outcome in failed if outcome.test not in reasons]
    plain = replace(method, plugin=None)
    passing = _find_passing(plain, left)
    reasons.update((outcome.test, BASELINE) for outcome in left if outcome.test not in passing)
    for test in passing:
        name = test.rpartition("::")[2].partition("[")[0]
        reason = REASONS.get(f"{method.key}:{name}", REASONS.get(name))
        if reason is not None:
            reasons[test] = reason
    return reasons


def _find_passing(
    method: Method, outcomes: Sequence[Outcome], *, rate: float | None = None
) -> list[str]:
    if not outcomes:
        return []
    tests = sorted({outcome.test for outcome in outcomes})
    again = {o.test: o.outcome for o in run(method, tests=tests, rate=rate) or ()}
    return [test for test in tests if again.get(test) == "passed"]

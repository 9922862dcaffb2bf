"""Why a test of another library fails with ours, where that is no defect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from .methods import NO_VARIABLES, Method, Outcome, run

# A random transformer learns later than a random CNN, so many thresholds of a loss after so many
# updates are not reached. What is reached by learning faster or longer was a matter of time.
PATIENCE: dict[str, dict[str, str]] = {
    "a threshold: passes at a learning rate of 0.003 instead of 0.001": {"LEARN_RATE": "0.003"},
    "a threshold: passes with 8 times as many updates": {"UPDATES": "8"},
    "a threshold: passes with 8 times as many updates at a learning rate of 0.0003": {
        "UPDATES": "8",
        "LEARN_RATE": "0.0003",
    },
    "a threshold: passes with 8 times as many updates at a learning rate of 0.003": {
        "UPDATES": "8",
        "LEARN_RATE": "0.003",
    },
}
LATE = ("assert", "Exception: {}")  # how thresholds fail
BASELINE = "fails in this environment without us, too"
DISABLED = (
    "expects an answer from a head whose encoder is disabled: ours is an error (SB507), never a "
    "guess"
)
NAMES = "compares the text of a config with the name of their architecture"
DUMMY = "builds the component over a stand-in for their own model class"
TOKENIZER = "reads attributes of their model class"
PIECES = "asks a listener for their class of pieces: ours hands on one vector a token"
SEPARATE = "expects their listener in the list, where the listener of ours beside it stands"
EMPTY = "an empty Doc has hidden states of no rows, where theirs has no hidden states"
HIDDEN = "looks for the callback on their listener: the one of ours beside it holds it"
REFUSED = "a listener of theirs is not replaced with a copy of an encoder of ours: an error (SB763)"
PRETRAIN = "spaCy's pretraining follows no listener but its own to an encoder: name the encoder"

# What a failure must say to be the one that is known, and its reason; by name of the test, for all
# methods or for one of them.
REASONS: dict[str, tuple[str, str]] = {
    "test_tok2vec_listener": ("which has not run on this Doc", DISABLED),
    "test_tok2vec_frozen_not_annotating": (
        "which has not run on this Doc",
        "the error is ours (SB507), so its words are, too",
    ),
    "B:test_replace_listeners": ("spacy.Tok2Vec.v2", NAMES),
    "test_replace_listeners_from_config": ("spacy.Tok2Vec.v2", NAMES),
    "test_create_nlp_from_config_multiple_instances": (
        "'bert_transformer' == 'tok2vec'",
        "compares the name of the factory",
    ),
    "test_config_interpolation": (
        "KeyError: 'width'",
        "reads the width in a listener's config: ours has none",
    ),
    "test_pretraining_training": ("'embed'", "looks for a layer 'embed' in the encoder"),
    "test_pretraining_tagger_tok2vec": ("which has not run on this Doc", PRETRAIN),
    "test_init": ("dummy-transformer", DUMMY),
    "test_predict": ("dummy-transformer", DUMMY),
    "test_set_annotations": ("dummy-transformer", DUMMY),
    "test_set_extra_annotations": ("dummy-transformer", DUMMY),
    "test_listeners": ("dummy-transformer", DUMMY),
    "C1:test_transformer_pipeline_tagger_senter_listener": ("ForeignListener", SEPARATE),
    "C2:test_transformer_pipeline_tagger_senter_listener": ("attribute 'tensors'", PIECES),
    "test_transformer_sentencepiece_IO": ("attribute 'tensors'", PIECES),
    "test_transformer_pipeline_empty": ("shape=(0, 0, 32)", EMPTY),
    "C1:test_replace_listeners": ("ForeignListener", SEPARATE),
    "C2:test_replace_listeners": (
        "TransformerModel",
        "compares the class of the model with theirs",
    ),
    "C1:test_no_update_listener_in_predict": ("_backprop", HIDDEN),
    "C1:test_source_replace_listeners": ("cannot be replaced with a copy", REFUSED),
    "C2:test_source_replace_listeners": ("Tok2VecTransformer.v3", NAMES),
    "test_serialize_transformer_data": (
        "has no attribute 'empty'",
        "makes an empty object of their class, which ours has no need of",
    ),
    "test_initialized_transformer_tobytes": ("attribute 'tokenizer'", TOKENIZER),
    "test_initialized_transformer_todisk": ("attribute 'tokenizer'", TOKENIZER),
    "test_transformer_pipeline_todisk_settings": ("attribute 'tokenizer'", TOKENIZER),
    "test_transformer_pipeline_tagger_internal": (
        "list index out of range",
        "looks for the layers of their inline model",
    ),
    "test_init_nlp": ("ForeignListener", SEPARATE),
    "test_empty_doc": ("which has not run on this Doc", DISABLED),
}


def explain(method: Method, failed: Sequence[Outcome]) -> dict[str, str]:
    """Find out why tests failed.

    By running them with more patience; by what was written down; by running what is left with the
    other library's own encoder.

    RETURNS (dict): Reason by test; what is not in it is not explained.
    """
    reasons: dict[str, str] = {}
    for outcome in failed:
        name = outcome.test.rpartition("::")[2].partition("[")[0]
        said, reason = REASONS.get(f"{method.key}:{name}", REASONS.get(name, ("", "")))
        if reason and said in outcome.why:
            reasons[outcome.test] = reason
    left = [outcome for outcome in failed if outcome.test not in reasons]
    for reason, variables in PATIENCE.items():
        late = [outcome for outcome in left if any(word in outcome.why for word in LATE)]
        reasons.update(dict.fromkeys(_find_passing(method, late, variables), reason))
        left = [outcome for outcome in left if outcome.test not in reasons]
    passing = _find_passing(replace(method, plugin=None), left)
    reasons.update((o.test, BASELINE) for o in left if o.test not in passing)
    return reasons


def _find_passing(
    method: Method, outcomes: Sequence[Outcome], variables: Mapping[str, str] = NO_VARIABLES
) -> list[str]:
    if not outcomes:
        return []
    tests = sorted({outcome.test for outcome in outcomes})
    again = {o.test: o.outcome for o in run(method, tests=tests, variables=variables) or ()}
    return [test for test in tests if again.get(test) == "passed"]

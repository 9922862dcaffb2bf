"""What `quality.py` trains on, and how: one row a data set, the same for every system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import ceil
from typing import Any


@dataclass(frozen=True)
class DataSet:
    """Where a data set's files are and how they are read.

    kind (str): "entities", "texts" (one label a text), "joint" (both), "multilabel" or "pairs"
        (one label a pair of texts) or "answers" (to questions).
    train, dev, test (str): Files in the folder of its name. No dev: cut off the training file.
    options (Mapping): Settings of `FormatOptions`, for every file.
    test_options (Mapping): Further ones for the test file.
    dev_share (float): The part of the training file that becomes dev, where there is none.
    """

    kind: str
    train: str
    dev: str
    test: str
    options: Mapping[str, Any] = field(default_factory=dict)
    test_options: Mapping[str, Any] = field(default_factory=dict)
    dev_share: float = 0.0


@dataclass(frozen=True)
class Recipe:
    """How long and how fast to learn, for all systems alike.

    epochs (float): Passes over the training texts.
    batch_words (int): spaCy tokens in a batch, about.
    learn_rate (float): Highest rate of the encoder, reached after `warmup` (a share of all
        steps) and falling linearly to zero from there.
    evaluations (int): How often dev is scored; the best of those models is tested.
    precision (str): Of the encoder in training: "fp32" or "bf16".
    head_factor (float): Rate of the heads, in multiples of the encoder's, where the system can.
    dropout (float): In encoder and heads.
    """

    epochs: float
    batch_words: int = 800
    learn_rate: float = 2e-4
    warmup: float = 0.1
    evaluations: int = 8
    precision: str = "bf16"
    head_factor: float = 10.0
    dropout: float = 0.1

    def to_json(self) -> dict[str, Any]:
        """Plain values, as stored beside each result."""
        return asdict(self)

    def plan_steps(self, n_words: int, *, max_steps: int = 0) -> tuple[int, int]:
        """Steps of the run and steps between evaluations, so that the last step is evaluated.

        n_words (int): Words of the training texts.
        max_steps (int): Cut the run short; 0: do not.
        RETURNS (tuple): Steps, steps between evaluations.
        """
        wanted = ceil(self.epochs * n_words / self.batch_words)
        if max_steps:
            wanted = min(wanted, max_steps)
        every = max(1, ceil(wanted / self.evaluations))
        return every * ceil(wanted / every), every


# Words are taken as the annotators cut them, as everybody reports these sets.
CONLL = {"format": "conll", "task": "ner", "gold_tokens": True}

DATA_SETS: dict[str, DataSet] = {
    "wnut17": DataSet(
        "entities", "wnut17train.conll", "emerging.dev.conll", "emerging.test.annotated", CONLL
    ),
    "uner_en_ewt": DataSet(
        "entities",
        "en_ewt-ud-train.early.iob2",
        "en_ewt-ud-dev.iob2",
        "en_ewt-ud-test.iob2",
        {**CONLL, "word_column": 2, "tag_column": 3},
    ),
    "ncbi_disease": DataSet("entities", "train.tsv", "devel.tsv", "test.tsv", CONLL),
    # Its test slots can begin inside a spaCy token: there the token is split, and no slot is lost.
    "snips": DataSet(
        "joint",
        "train.jsonl",
        "",
        "validate.jsonl",
        test_options={"align": "split"},
        dev_share=0.0508,
    ),
    "rotten_tomatoes": DataSet(
        "texts",
        "train.tsv",
        "dev.tsv",
        "test.tsv",
        {"format": "tsv", "task": "textcat", "quoting": "none"},
    ),
    "goemotions": DataSet(
        "multilabel",
        "train.tsv",
        "dev.tsv",
        "test.tsv",
        {
            "format": "tsv",
            "task": "textcat_multilabel",
            "quoting": "none",
            "use_header": False,
            "text_column": "1",
            "label_column": "2",
            "label_sep": ",",
            "labels": "labels.txt",
        },
    ),
    "snli_dev": DataSet(
        "pairs", "train.jsonl", "dev.jsonl", "test.jsonl", {"format": "jsonl", "task": "pairs"}
    ),
    "squad_en": DataSet("answers", "train.json", "dev.json", "test.json", {"format": "squad"}),
}

RECIPES: dict[str, Recipe] = {
    "wnut17": Recipe(epochs=4),
    "uner_en_ewt": Recipe(epochs=3),
    "ncbi_disease": Recipe(epochs=4),
    "snips": Recipe(epochs=4),
    "rotten_tomatoes": Recipe(epochs=2, learn_rate=1e-4),
    "goemotions": Recipe(epochs=2),
    "snli_dev": Recipe(epochs=1),
    "squad_en": Recipe(epochs=0.5, batch_words=1600, evaluations=4),
}

# The config of each system by kind of task, in configs/.
OUR_CONFIGS = {
    "entities": "bert_ner.cfg",
    "texts": "bert_textcat.cfg",
    "joint": "bert_joint.cfg",
    "multilabel": "bert_textcat_multilabel.cfg",
    "pairs": "bert_pairs.cfg",
    "answers": "bert_qa.cfg",
}
# Neither spaCy's heads nor spacy-transformers know of pairs.
SPACY_CONFIGS = {
    "entities": "ner.cfg",
    "texts": "textcat.cfg",
    "joint": "joint.cfg",
    "multilabel": "textcat_multilabel.cfg",
}

# By system and data set ("*": all of them): values of the config that the recipe does not name,
# as dotted paths. They are stored beside the results.
OVERRIDES: dict[tuple[str, str], dict[str, Any]] = {
    # Thresholds (of labels, and of how willing `bert_ner` is) are found on dev, as those of the
    # other systems with several labels a text are in `scores.py`.
    ("ours", "*"): {"training.before_to_disk.tune_thresholds": True},
}


def can_run(system: str, data: str) -> bool:
    """Whether a system knows of this kind of task."""
    return system in ("ours", "bare") or DATA_SETS[data].kind in SPACY_CONFIGS


def find_overrides(system: str, data: str) -> dict[str, Any]:
    """The values that a system changes in its config for a data set."""
    return {**OVERRIDES.get((system, "*"), {}), **OVERRIDES.get((system, data), {})}


def describe_settings(system: str, data: str) -> dict[str, Any]:
    """All that makes a run what it is; a run with other settings is another run."""
    return {**RECIPES[data].to_json(), "overrides": find_overrides(system, data)}

"""A config composed of parts: any set of components over one shared encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import Errors, SettingError

Block = dict[str, Any]

# spaCy reads [training] apart from [components], so neither can refer to the other.
ENCODER = "${paths.encoder}"
LISTENER: Block = {
    "@architectures": "spacy-bert-plugin.BertListener.v1",
    "upstream": "bert_transformer",
}
POOLED_LISTENER: Block = {
    "@architectures": "spacy-bert-plugin.BertPooledListener.v1",
    "pooling": "mean",
    "upstream": "bert_transformer",
}


def _with_listener(architecture: str, **settings: Any) -> Block:
    return {"@architectures": architecture, "tok2vec": dict(LISTENER), **settings}


def _bert_textcat(*, is_exclusive: bool) -> Block:
    model = _with_listener(
        "spacy-bert-plugin.TextClassifier.v1", pooling="given", tok2vec=dict(POOLED_LISTENER)
    )
    return {"factory": "bert_textcat", "exclusive": is_exclusive, "model": model}


def _bert_pairs(architecture: str, **settings: Any) -> Block:
    model = _with_listener(
        architecture,
        pooling="given",
        hidden_width=384,
        activation="tanh",
        tok2vec={**POOLED_LISTENER, "pooling": "cls"},
    )
    return {**settings, "model": model}


def _textcat(*, is_exclusive: bool) -> Block:
    return _with_listener(
        "spacy.TextCatReduce.v1",
        exclusive_classes=is_exclusive,
        use_reduce_first=False,
        use_reduce_last=False,
        use_reduce_max=False,
        use_reduce_mean=True,
        tok2vec=dict(POOLED_LISTENER),
    )


def _transitions(state_type: str, *, hidden_width: int, maxout_pieces: int) -> Block:
    return _with_listener(
        "spacy.TransitionBasedParser.v2",
        state_type=state_type,
        extra_state_tokens=False,
        hidden_width=hidden_width,
        maxout_pieces=maxout_pieces,
        use_upper=False,
    )


def _spancat() -> Block:
    model = _with_listener(
        "spacy.SpanCategorizer.v1",
        reducer={"@layers": "spacy.mean_max_reducer.v1", "hidden_size": 128},
        scorer={"@layers": "spacy.LinearLogistic.v1"},
    )
    suggester = {"@misc": "spacy.ngram_suggester.v1", "sizes": [1, 2, 3]}
    return {"model": model, "suggester": suggester, "spans_key": "sc", "threshold": 0.5}


# Named as the component; the factory has the same name unless the block has another.
COMPONENTS: dict[str, Block] = {
    "bert_textcat": _bert_textcat(is_exclusive=True),
    "bert_textcat_multilabel": _bert_textcat(is_exclusive=False),
    "bert_ner": {"model": _with_listener("spacy-bert-plugin.TokenClassifier.v1")},
    "bert_spancat": {"model": _with_listener("spacy-bert-plugin.SpanScorer.v1")},
    "bert_qa": {"model": _with_listener("spacy-bert-plugin.AnswerFinder.v1")},
    "bert_pairs": _bert_pairs(
        "spacy-bert-plugin.TextClassifier.v1",
        factory="bert_textcat",
        exclusive=True,
        require_pairs=True,
    ),
    "bert_regressor": _bert_pairs("spacy-bert-plugin.TextRegressor.v1"),
    "bert_embedder": {
        "model": {
            "@architectures": "spacy-bert-plugin.Embedder.v1",
            "tok2vec": {**POOLED_LISTENER, "pooling": "pieces"},
        },
        "loss": {"@misc": "spacy-bert-plugin.InBatchNegatives.v1"},
    },
    "textcat": {"model": _textcat(is_exclusive=True)},
    "textcat_multilabel": {"model": _textcat(is_exclusive=False)},
    "ner": {"model": _transitions("ner", hidden_width=64, maxout_pieces=2)},
    "spancat": _spancat(),
    "tagger": {"model": _with_listener("spacy.Tagger.v2")},
    "morphologizer": {"model": _with_listener("spacy.Tagger.v2")},
    "trainable_lemmatizer": {"model": _with_listener("spacy.Tagger.v2")},
    "senter": {"model": _with_listener("spacy.Tagger.v2")},
    "parser": {"model": _transitions("parser", hidden_width=128, maxout_pieces=3)},
}
# The other texts of a batch are what each is told apart from, so all have as many.
SAME_NUMBER: Block = {"@batchers": "spacy.batch_by_sequence.v1", "size": 64}
# Those of ours that have nothing to calibrate.
UNCALIBRATED = ("bert_regressor", "bert_embedder")


def compose_config(
    pipeline: Sequence[str], *, encoder: str, lang: str, use_gpu: bool, max_steps: int
) -> Block:
    """Put a config together.

    pipeline (Sequence[str]): Names out of `COMPONENTS`; the encoder is added in front.
    encoder (str): Folder or name of the encoder.
    lang (str): Language of the pipeline.
    use_gpu (bool): Larger batches, cut by pieces; bf16 where the GPU has it.
    max_steps (int): Length of the training.
    RETURNS (dict): The config, without the settings that have a default.
    RAISES (SettingError): a component that is not known here, or twice, or none.
    """
    strange = [name for i, name in enumerate(pipeline) if _is_strange(name, pipeline[:i])]
    if strange or not pipeline:
        got = ", ".join(strange) or "none"
        raise SettingError(Errors.SB661.format(got=got, expected=", ".join(COMPONENTS)))
    corpus: Block = {"@readers": "spacy-bert-plugin.Corpus.v1"}
    is_apart = "bert_embedder" in pipeline
    if is_apart:  # it compares texts, so each is read alone
        corpus["augmenter"] = {"@augmenters": "spacy-bert-plugin.apart.v1"}
    return {
        "paths": {"train": None, "dev": None, "encoder": encoder},
        "system": {"seed": 0, "gpu_allocator": "pytorch"},
        "nlp": {"lang": lang, "pipeline": ["bert_transformer", *pipeline], "batch_size": 256},
        "components": {
            "bert_transformer": {
                "factory": "bert_transformer",
                "model": {
                    "@architectures": "spacy-bert-plugin.BertEncoder.v1",
                    "name": ENCODER,
                    "precision": "auto" if use_gpu else "fp32",
                    "batch_pieces": None,
                },
            },
            **{name: {"factory": name, **COMPONENTS[name]} for name in pipeline},
        },
        "corpora": {
            "train": {**corpus, "path": "${paths.train}"},
            "dev": {**corpus, "path": "${paths.dev}"},
        },
        "training": {
            **_compose_training(use_gpu=use_gpu, max_steps=max_steps),
            **({"batcher": dict(SAME_NUMBER)} if is_apart else {}),
            **_compose_calibration(pipeline),
        },
    }


def _is_strange(name: str, before: Sequence[str]) -> bool:
    return name not in COMPONENTS or name in before


def _compose_calibration(pipeline: Sequence[str]) -> Block:
    """What is saved is calibrated on the dev data, where a component can be."""
    if not any(name.startswith("bert_") and name not in UNCALIBRATED for name in pipeline):
        return {}
    callback = {
        "@callbacks": "spacy-bert-plugin.calibrate.v1",
        "path": "${paths.dev}",
        "tune_thresholds": not {"bert_textcat_multilabel", "bert_qa"}.isdisjoint(pipeline),
    }
    return {"before_to_disk": callback}


def _compose_batcher(*, use_gpu: bool) -> Block:
    if use_gpu:
        # A GPU is fast where all texts of a batch have about the same length.
        return {
            "@batchers": "spacy-bert-plugin.batch_by_pieces.v1",
            "name": ENCODER,
            "size": 4096,
            "buffer": 2048,
        }
    return {
        "@batchers": "spacy.batch_by_words.v1",
        "size": 800,
        "tolerance": 0.2,
        "discard_oversize": False,
    }


def _compose_training(*, use_gpu: bool, max_steps: int) -> Block:
    return {
        "max_steps": max_steps,
        "eval_frequency": 100,
        "patience": 1000,
        "dropout": 0.1,
        "batcher": _compose_batcher(use_gpu=use_gpu),
        "logger": {
            "@loggers": "spacy.ConsoleLogger.v3",
            "progress_bar": "train",
            "console_output": True,
        },
        "optimizer": {
            "@optimizers": "spacy-bert-plugin.AdamW.v1",
            "learn_rate": {
                "@schedules": "spacy-bert-plugin.Warmup.v1",
                "initial_rate": 2e-4,
                "total_steps": "${training.max_steps}",
                # A single step leaves no room to warm up in.
                "warmup": 0.1 if max_steps > 1 else 0,
                "shape": "linear",
            },
        },
    }

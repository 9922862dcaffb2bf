"""Every registered name resolves, and none disappears: configs of saved pipelines name them."""

import inspect
import subprocess
import sys
from importlib.metadata import entry_points

import pytest
from spacy.language import Language
from spacy.util import registry

# Names in configs that people have saved. Add to this list; never take from it.
NAMES = {
    "spacy_factories": {
        "bert_transformer",
        "bert_embedder",
        "bert_fill_mask",
        "bert_ner",
        "bert_qa",
        "bert_regressor",
        "bert_spancat",
        "bert_textcat",
    },
    "spacy_architectures": {
        "spacy-bert-plugin.AnswerFinder.v1",
        "spacy-bert-plugin.BertEncoder.v1",
        "spacy-bert-plugin.BertListener.v1",
        "spacy-bert-plugin.BertPooledListener.v1",
        "spacy-bert-plugin.Embedder.v1",
        "spacy-bert-plugin.MaskedLanguageModel.v1",
        "spacy-bert-plugin.SpanScorer.v1",
        "spacy-bert-plugin.TextClassifier.v1",
        "spacy-bert-plugin.TextRegressor.v1",
        "spacy-bert-plugin.TokenClassifier.v1",
    },
    "spacy_callbacks": {"spacy-bert-plugin.calibrate.v1"},
    "spacy_batchers": {"spacy-bert-plugin.batch_by_pieces.v1"},
    "spacy_augmenters": {"spacy-bert-plugin.apart.v1"},
    "spacy_misc": {
        "spacy-bert-plugin.CosineLoss.v1",
        "spacy-bert-plugin.InBatchNegatives.v1",
        "spacy-bert-plugin.TripletLoss.v1",
    },
    "spacy_readers": {"spacy-bert-plugin.Corpus.v1", "spacy-bert-plugin.TextCorpus.v1"},
    "spacy_scorers": {
        "spacy-bert-plugin.correlation_scorer.v1",
        "spacy-bert-plugin.squad_scorer.v1",
    },
    "spacy_cli": {"bert"},
    "thinc_optimizers": {"spacy-bert-plugin.AdamW.v1"},
    "thinc_schedules": {"spacy-bert-plugin.Warmup.v1"},
}
REGISTRIES = {
    "spacy_architectures": registry.architectures,
    "spacy_batchers": registry.batchers,
    "spacy_callbacks": registry.callbacks,
    "spacy_augmenters": registry.augmenters,
    "spacy_misc": registry.misc,
    "spacy_readers": registry.readers,
    "spacy_scorers": registry.scorers,
    "thinc_optimizers": registry.optimizers,
    "thinc_schedules": registry.schedules,
}


def find_names(group: str) -> set[str]:
    points = entry_points(group=group)
    return {p.name for p in points if p.value.startswith("spacy_bert_plugin.")}


@pytest.mark.parametrize("group", NAMES)
def test_names_are_those_on_the_list(group: str) -> None:
    assert find_names(group) == NAMES[group]


def test_there_are_no_other_groups() -> None:
    groups = {
        g for g in entry_points().groups if g.startswith(("spacy_", "thinc_")) and find_names(g)
    }
    assert groups == set(NAMES)


@pytest.mark.parametrize(("group", "name"), [(g, n) for g in REGISTRIES for n in sorted(NAMES[g])])
def test_name_resolves_to_a_documented_function(group: str, name: str) -> None:
    function = REGISTRIES[group].get(name)
    _, thing, version = name.split(".")
    expected = f"build{thing.replace('_', '').lower()}{version}"
    assert function.__name__.replace("_", "") == expected
    assert inspect.getdoc(function)


@pytest.mark.parametrize("name", sorted(NAMES["spacy_factories"]))
def test_factory_is_known_to_spacy(name: str) -> None:
    import spacy

    nlp = spacy.blank("en")
    assert nlp.has_factory(name)
    assert Language.get_factory_meta(name).default_config


@pytest.mark.parametrize("name", sorted(NAMES["spacy_factories"]))
def test_default_config_names_every_setting_of_the_architecture(name: str) -> None:
    config = dict(Language.get_factory_meta(name).default_config["model"])
    function = registry.architectures.get(config.pop("@architectures"))
    config.pop("tok2vec", None)
    parameters = inspect.signature(function).parameters
    defaults = {k: dict(p.default) if k == "sizes" else p.default for k, p in parameters.items()}
    defaults.pop("tok2vec", None)
    assert config == defaults


@pytest.mark.parametrize("name", sorted(NAMES["spacy_factories"]))
def test_default_config_names_every_setting_of_the_factory(name: str) -> None:
    parameters = inspect.signature(registry.factories.get(name)).parameters
    config = Language.get_factory_meta(name).default_config
    assert set(config) == set(parameters) - {"nlp", "name"}


def test_importing_the_package_is_light() -> None:
    code = (
        "import sys, spacy_bert_plugin; "
        "print({'torch', 'transformers', 'spacy'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "set()"


def test_a_pipeline_without_the_plugin_does_not_load_it() -> None:
    code = (
        "import sys, spacy; spacy.blank('en'); "
        "print(sorted(m[18:] for m in sys.modules if m.startswith('spacy_bert_plugin.')))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    factories = [
        "factories",
        "factory_embedder",
        "factory_fill_mask",
        "factory_ner",
        "factory_qa",
        "factory_regressor",
        "factory_spancat",
        "factory_textcat",
    ]
    expected = ["about", "pipeline", *(f"pipeline.{name}" for name in factories)]
    assert result.stdout.strip() == str(expected)

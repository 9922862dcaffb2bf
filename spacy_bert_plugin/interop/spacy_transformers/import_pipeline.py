"""A trained pipeline of spacy-transformers becomes one of ours."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.util import load_model_from_config

from ..._compat import import_optional
from ...checkpoints import LoadedCheckpoint
from ...errors import BertPluginError, CheckpointError, Errors, SettingError
from ...layers import set_checkpoint
from ..folders import check_new, write_new
from .changes import Changes
from .convert_config import convert_config
from .disguise import disguise_listeners
from .report import Report, compare_pipelines
from .source import find_pipeline, read_config
from .weights import LIBRARY, read_encoder

CURATED = "curated_transformer"
WINDOWS = {
    "strided_spans": "Texts of at most {window} tokens get the vectors that they had. Longer ones "
    "were cut into windows of {window} tokens; now a text that fits the encoder is seen whole.",
    "doc_spans": "Texts that fit the encoder get the vectors that they had. The end of longer ones "
    "was cut off; now it is not.",
    "sent_spans": "Each sentence was encoded by itself; now the whole text is, so vectors are "
    "others wherever a text has several sentences. Compare the predictions, or train again.",
}
OTHER_WINDOWS = "Windows were cut by '{got}'; now a text that fits the encoder is seen whole."


def import_pipeline(source: str | Path, out: Path, *, texts: Sequence[str] | None = None) -> Report:
    """Read a pipeline of spacy-transformers and write it as one of ours.

    Tokenizer, vocabulary and every other component stay as they are; listeners become
    `BertListener.v1`; the weights of the encoder are the same, in a checkpoint of ours.

    source (str | Path): Folder of a trained pipeline, or name of an installed package.
    out (Path): Folder to write. There must be none yet.
    texts (Sequence[str] | None): What to compare the predictions on. Needs spacy-transformers.
    RETURNS (Report): What was done, and the comparison.
    RAISES (SettingError): Something in it has no counterpart. The message names it.
    RAISES (CheckpointError): Its weights are missing or cannot be read, or `out` is taken.
    RAISES (MissingDependencyError): spacy-transformers is needed and not there.
    """
    path = find_pipeline(source)
    check_new(out)
    config, changes = read_config(path), Changes()
    _refuse_curated(config, path)
    spans = _find_spans(config)
    name = convert_config(config, changes, is_trained=True)
    if name is None:  # a component's own encoder is refused before
        raise SettingError(Errors.SB769.format(got=", ".join(config["components"])))
    if texts is not None:
        import_optional(LIBRARY, purpose="Comparing with the pipeline as it was")
    checkpoint = read_encoder(path, name)
    nlp, listening = _load(config, path, name, checkpoint)
    comparison: list[tuple[str, str]] = []
    with write_new(out) as staged:
        nlp.to_disk(staged)
        if texts is not None:
            comparison = compare_pipelines(spacy.load(path), spacy.load(staged), texts)
    components = [(n, _describe(n, name, listening, checkpoint)) for n, _ in nlp.components]
    return Report(
        components, changes.listed, [_describe_windows(spans)], comparison, len(texts or ())
    )


def _load(
    config: Any, path: Path, name: str, checkpoint: LoadedCheckpoint
) -> tuple[Language, list[str]]:
    """Build the pipeline of a config, and fill it from the files of another library's."""
    try:
        nlp = load_model_from_config(config, auto_fill=True)
        with disguise_listeners(nlp) as listening:
            nlp.from_disk(path, exclude=[name])
    except BertPluginError:
        raise
    except (ValueError, KeyError) as error:
        raise CheckpointError(Errors.SB778.format(source=path, problem=error)) from error
    transformer: Any = nlp.get_pipe(name) if name in nlp.pipe_names else dict(nlp.components)[name]
    set_checkpoint(transformer.model, checkpoint)
    nlp._link_components()
    needed = nlp.meta.get("requirements", [])
    nlp.meta["requirements"] = [n for n in needed if not n.startswith("spacy-transformers")]
    return nlp, listening


def _refuse_curated(config: Any, path: Path) -> None:
    factories = [block.get("factory") for block in config.get("components", {}).values()]
    if CURATED in factories:
        raise SettingError(Errors.SB776.format(source=path))


def _find_spans(config: Any) -> dict[str, Any]:
    """How the encoder's windows were cut."""
    for block in config.get("components", {}).values():
        spans = (block.get("model") or {}).get("get_spans") if isinstance(block, dict) else None
        if isinstance(spans, dict):
            return dict(spans)
    return {}


def _describe_windows(spans: dict[str, Any]) -> str:
    got = str(spans.get("@span_getters", "an unknown function"))
    known = WINDOWS.get(got.removeprefix("spacy-transformers.").partition(".")[0], OTHER_WINDOWS)
    return known.format(window=spans.get("window", 128), got=got)


def _describe(
    name: str, encoder: str, listening: Sequence[str], checkpoint: LoadedCheckpoint
) -> str:
    if name == encoder:
        sizes, family = checkpoint.encoder.config, checkpoint.config.raw.get("model_type")
        return f"bert_transformer: {family}, {sizes.n_layers} layers of width {sizes.width}"
    return f"listens to '{encoder}'; its weights as they were" if name in listening else "as it was"

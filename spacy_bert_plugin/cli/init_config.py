"""`spacy-bert init-config`: a config for components that share one encoder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ..errors import Errors, SettingError
from .config_text import add_comments, arrange_config
from .recipe import compose_config
from .report import report_errors, say_good

DEFAULT_ENCODER = "minilm-l6"


def init_config_cli(
    output: Annotated[
        Path, typer.Argument(help="File to write; '-' for the terminal.", show_default=False)
    ],
    pipeline: Annotated[
        str,
        typer.Option(
            "--pipeline",
            "-p",
            help="Components that share the encoder, with commas between. Heads of this package: "
            "bert_textcat, bert_textcat_multilabel, bert_ner, bert_spancat, bert_qa, bert_pairs, "
            "bert_regressor, bert_embedder; spaCy's: textcat, textcat_multilabel, ner, spancat, "
            "tagger, morphologizer, trainable_lemmatizer, senter, parser.",
        ),
    ] = "bert_textcat,bert_ner",
    encoder: Annotated[
        str,
        typer.Option(help="minilm-l6, a folder, or a name on the Hugging Face hub."),
    ] = DEFAULT_ENCODER,
    lang: Annotated[str, typer.Option("--lang", "-l", help="Language.")] = "en",
    gpu: Annotated[bool, typer.Option("--gpu", help="Batches for a GPU.")] = False,
    max_steps: Annotated[int, typer.Option(help="Length of the training.", min=1)] = 3000,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Write a config for training, with all settings filled in and the main ones explained."""
    with report_errors():
        names = [name.strip() for name in pipeline.split(",") if name.strip()]
        is_file = str(output) != "-"
        if is_file and output.exists() and not force:
            raise SettingError(Errors.SB664.format(path=output))
        text = init_config(names, encoder=encoder, lang=lang, use_gpu=gpu, max_steps=max_steps)
        if not is_file:
            typer.echo(text)
            return
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
        say_good(f"Wrote {output}")
        device = " --gpu-id 0" if gpu else ""
        typer.echo(
            f"python -m spacy bert train {output} --output model --paths.train train.spacy "
            f"--paths.dev dev.spacy{device}"
        )


def init_config(
    pipeline: Sequence[str],
    *,
    encoder: str = DEFAULT_ENCODER,
    lang: str = "en",
    use_gpu: bool = False,
    max_steps: int = 3000,
) -> str:
    """Compose a config and fill in all settings that have a default.

    pipeline (Sequence[str]): Components that listen to the encoder.
    encoder (str): Folder or name of the encoder. It is not loaded.
    lang (str): Language of the pipeline.
    use_gpu (bool): Batches for a GPU.
    max_steps (int): Length of the training.
    RETURNS (str): Text of the config, with comments.
    RAISES (SettingError): a component that has no recipe.
    """
    from spacy.util import load_config_from_str, load_model_from_config
    from thinc.api import Config

    parts = compose_config(
        pipeline, encoder=encoder, lang=lang, use_gpu=use_gpu, max_steps=max_steps
    )
    # spaCy builds the pipeline to find the defaults, twice: then it also checks the result
    base = load_config_from_str(Config(parts).to_str())
    filled = load_model_from_config(base, auto_fill=True, validate=False).config
    filled = load_model_from_config(filled).config
    return add_comments(arrange_config(filled.to_str()))

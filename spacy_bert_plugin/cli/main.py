"""All commands, under one name."""

import typer

from .answer import answer_cli
from .benchmark import benchmark_cli
from .calibrate import calibrate_cli
from .check import check_cli
from .convert import convert_cli
from .debug_pieces import debug_pieces_cli
from .evaluate import evaluate_cli
from .export_model import export_model_cli
from .export_onnx import export_onnx_cli
from .fetch_encoder import fetch_encoder_cli
from .import_config import import_config_cli
from .import_model import import_model_cli
from .info import info_cli
from .init_config import init_config_cli
from .optimize import optimize_cli
from .pretrain import pretrain_cli
from .push import push_cli
from .train import train_cli
from .train_vocab import train_vocab_cli

HELP = "Train and use spaCy pipelines in which components share one BERT encoder."

app = typer.Typer(
    name="bert",
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("answer", no_args_is_help=True)(answer_cli)
app.command("benchmark", no_args_is_help=True)(benchmark_cli)
app.command("calibrate", no_args_is_help=True)(calibrate_cli)
app.command("check", no_args_is_help=True)(check_cli)
app.command("convert", no_args_is_help=True)(convert_cli)
app.command("debug-pieces", no_args_is_help=True)(debug_pieces_cli)
app.command("evaluate", no_args_is_help=True)(evaluate_cli)
app.command("export", no_args_is_help=True)(export_model_cli)
app.command("export-onnx", no_args_is_help=True)(export_onnx_cli)
app.command("import", no_args_is_help=True)(import_model_cli)
app.command("import-config", no_args_is_help=True)(import_config_cli)
app.command("info")(info_cli)
app.command("init-config", no_args_is_help=True)(init_config_cli)
app.command("optimize", no_args_is_help=True)(optimize_cli)
app.command(
    "pretrain",
    no_args_is_help=True,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(pretrain_cli)
app.command("push", no_args_is_help=True)(push_cli)
app.command("fetch-encoder", no_args_is_help=True)(fetch_encoder_cli)
app.command(
    "train",
    no_args_is_help=True,
    # Overrides of the config have any name.
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(train_cli)
app.command("train-vocab", no_args_is_help=True)(train_vocab_cli)


def main() -> None:
    """Run the command line: the console script `spacy-bert`."""
    app(prog_name="spacy-bert")

"""`spacy-bert convert`: data files -> `.spacy`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..errors import Errors, SettingError
from . import convert_args as args
from .report import report_errors

if TYPE_CHECKING:
    from ..training.formats import FormatOptions, Record, Summary

SUFFIX = ".spacy"


def convert_cli(
    inputs: args.Inputs,
    output: args.Output,
    format: args.FormatOption = args.Format.auto,
    task: args.TaskOption = args.Task.auto,
    lang: args.Lang = "en",
    labels: args.Labels = None,
    dev_output: args.DevOutput = None,
    dev_share: args.DevShare = 0.1,
    seed: args.Seed = 0,
    align: args.AlignOption = args.Align.expand,
    text_column: args.TextColumn = None,
    second_text_column: args.SecondTextColumn = None,
    label_column: args.LabelColumn = None,
    label_sep: args.LabelSep = None,
    spans_column: args.SpansColumn = None,
    word_column: args.WordColumn = None,
    tag_column: args.TagColumn = None,
    no_spaces: args.NoSpaces = False,
    gold_tokens: args.GoldTokens = False,
    sep: args.Sep = None,
    quoting: args.QuotingOption = args.Quoting.auto,
    header: args.Header = None,
    spans_key: args.SpansKey = "sc",
    min_score: args.MinScore = None,
    max_score: args.MaxScore = None,
    encoding: args.EncodingOption = "utf-8",
) -> None:
    """Convert data files to .spacy, for training.

    Reads columns with tags (CoNLL, IOB1, IOB2, BILUO; -DOCSTART- and '# key = value' are skipped),
    jsonl ({"text", "spans", "intent" or "label" or "labels" or "cats"}), csv, tsv and SQuAD (1.1
    and 2.0). Rows of two texts, such as premise and hypothesis, become pairs. A bad row ends the
    command with its file and line, and nothing is written.
    """
    given = locals()
    settings = {name: getattr(given[name], "value", given[name]) for name in args.FORMAT_SETTINGS}
    with report_errors():
        from ..training.formats import FormatOptions, read_label_names
        from .summary import print_summaries

        names = None if labels is None else read_label_names(labels, encoding=encoding)
        options = FormatOptions(**settings, labels=names, use_header=header)
        converted = convert_files(
            inputs,
            output,
            options=options,
            lang=lang,
            dev_output=dev_output,
            dev_share=dev_share,
            seed=seed,
        )
        print_summaries(converted, options)


class Converted(NamedTuple):
    """A file that was written, and what is in it."""

    path: Path
    summary: Summary


def convert_files(
    inputs: Sequence[Path],
    output: Path,
    *,
    options: FormatOptions,
    lang: str = "en",
    dev_output: Path | None = None,
    dev_share: float = 0.1,
    seed: int = 0,
) -> list[Converted]:
    """Convert data files. Either every output is written, or none.

    inputs (Sequence[Path]): The files.
    output (Path): A `.spacy` file for all of them, or a folder that receives one for each.
    options (FormatOptions): How to read them.
    lang (str): Language, whose tokenizer cuts the texts.
    dev_output (Path): A second `.spacy` file for a part of the texts.
    dev_share (float), seed (int): Size of that part, and seed of the shuffle that picks it.
    RETURNS (list): The files written, with counts.
    RAISES (DataError): a bad row.
    RAISES (SettingError): an output that cannot be.
    """
    import spacy

    from ..training.formats import build_docs, find_categories, read_records, write_docs

    targets = plan_outputs(inputs, output, dev_output=dev_output)
    nlp = spacy.blank(lang)
    records = [read_records(path, options) for path in inputs]
    parts = _part_records(records, targets, dev_output, dev_share=dev_share, seed=seed)
    categories = find_categories([record for part in parts.values() for record in part], options)
    built = {
        path: build_docs(nlp, _show_progress(part, path), options=options, categories=categories)
        for path, part in parts.items()
    }
    write_docs({path: docs for path, (docs, _) in built.items()})
    return [Converted(path, summary) for path, (_, summary) in built.items()]


def plan_outputs(
    inputs: Sequence[Path], output: Path, *, dev_output: Path | None = None
) -> list[Path]:
    """Say where each input goes.

    RETURNS (list): One path for each input; the same for all where the output is a file.
    RAISES (SettingError): an output is an input, is no `.spacy` file, or is wanted twice.
    """
    if output.suffix == SUFFIX and not output.is_dir():
        targets = [output] * len(inputs)
    elif output.is_file() or (output.suffix and not output.is_dir()):
        got = f"it ends in '{output.suffix}'"
        raise SettingError(Errors.SB654.format(path=output, got=got))
    else:
        targets = [output / f"{path.stem}{SUFFIX}" for path in inputs]
        if len(set(targets)) < len(targets):
            got = "two inputs have the same name"
            raise SettingError(Errors.SB654.format(path=output, got=got))
    if dev_output is not None and (dev_output.suffix != SUFFIX or dev_output in targets):
        got = "the part set aside needs a .spacy file of its own"
        raise SettingError(Errors.SB654.format(path=dev_output, got=got))
    sources = {path.resolve() for path in inputs}
    for path in [*targets, dev_output]:
        if path is not None and path.resolve() in sources:
            raise SettingError(Errors.SB653.format(path=path))
    return targets


def _part_records(
    records: list[list[Record]],
    targets: list[Path],
    dev_output: Path | None,
    *,
    dev_share: float,
    seed: int,
) -> dict[Path, list[Record]]:
    """Gather the records of each output."""
    from ..training.formats import split_records

    parts: dict[Path, list[Record]] = {}
    aside: list[Record] = []
    for target, rows in zip(targets, records, strict=True):
        parts.setdefault(target, []).extend(rows)
    if dev_output is not None:
        for target, rows in parts.items():
            parts[target], taken = split_records(rows, share=dev_share, seed=seed)
            aside += taken
        parts[dev_output] = aside
    return parts


def _show_progress(records: list[Record], path: Path) -> Iterator[Record]:
    from tqdm import tqdm

    yield from tqdm(records, desc=path.name, unit=" rows", leave=False, disable=None)

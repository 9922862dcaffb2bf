"""`spacy-bert push`: a pipeline to a repository of a hub."""

from __future__ import annotations

from typing import Annotated

import typer

from .report import print_table, report_errors, say_good, say_warning


def push_cli(
    pipeline: Annotated[
        str,
        typer.Argument(
            help="Folder, wheel of spacy package, or installed pipeline.", show_default=False
        ),
    ],
    repository: Annotated[str, typer.Argument(help='"owner/name".', show_default=False)],
    private: Annotated[bool, typer.Option("--private", help="Only you see it.")] = False,
    token: Annotated[
        str | None,
        typer.Option(help="Access token, if not stored by: hf auth login.", envvar="HF_TOKEN"),
    ] = None,
    message: Annotated[str | None, typer.Option(help="What the version is about.")] = None,
    revision: Annotated[str | None, typer.Option(help="Branch, made if it does not exist.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be uploaded; no network.")
    ] = False,
) -> None:
    """Upload a pipeline with a model card, in one commit, to the Hugging Face hub.

    Only what belongs to the pipeline goes, and only if it loads by itself. The address of another
    hub: HF_ENDPOINT.
    """
    with report_errors():
        from ..interop.hub import push_pipeline

        pushed = push_pipeline(
            pipeline,
            repository,
            is_private=private,
            token=token,
            message=message,
            revision=revision,
            is_dry_run=dry_run,
        )
        print_table(list(pushed.files.items()), header=("file", "bytes"))
        if pushed.left_out:
            say_warning("Left out, as it is no part of the pipeline", ", ".join(pushed.left_out))
        if pushed.removed:
            say_warning("Removed from the repository", ", ".join(pushed.removed))
        if pushed.machine_paths:
            named = ", ".join(f"{key} = {path}" for key, path in pushed.machine_paths.items())
            say_warning("config.cfg names paths of this machine, for all to read", named)
        if dry_run:
            typer.echo(pushed.card)
            say_good(f"Would upload {len(pushed.files)} files to {pushed.repository}")
        else:
            say_good(f"Uploaded {len(pushed.files)} files: {pushed.url}")

"""`python -m spacy bert`: the commands under spaCy's own.

spaCy imports what the entry points `spacy_cli` name and calls nothing, so importing this module
is what adds the commands. Nothing else imports it.
"""

from spacy.cli._util import app as spacy_app

from .main import HELP, app

spacy_app.add_typer(app, name="bert", help=HELP, no_args_is_help=True)

__all__ = ["app"]

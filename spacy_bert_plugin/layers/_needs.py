"""What an encoder cannot do without, imported first so that its absence names the remedy."""

import re

from .._compat import import_optional
from ..errors import Errors, MissingDependencyError

# As in pyproject.toml: an installation without dependencies does not look there.
OLDEST_TORCH = (2, 10)


def check_torch(version: str) -> None:
    """RAISES (MissingDependencyError): This release of torch is too old."""
    found = re.match(r"(\d+)\.(\d+)", version)
    if found is not None and tuple(map(int, found.groups())) < OLDEST_TORCH:
        raise MissingDependencyError(
            Errors.SB003.format(
                module="torch", got=version, expected=".".join(map(str, OLDEST_TORCH))
            )
        )


for _name in ("torch", "tokenizers", "safetensors"):
    _module = import_optional(_name, purpose="A pipeline with an encoder")
    if _name == "torch":
        check_torch(_module.__version__)

"""What was changed in a config, and why."""

from dataclasses import dataclass
from typing import Any

# Values of settings that ask for nothing.
NOTHING: tuple[Any, ...] = (
    {},
    False,
    None,
    {"@annotation_setters": "spacy-transformers.null_annotation_setter.v1"},
)
THEIRS = ("spacy-transformers.", "spacy-curated-transformers.")


@dataclass(frozen=True)
class Change:
    """One line or block of a config that is another one now.

    section (str): Where, for instance "components.ner.model.tok2vec".
    was (str): What stood there.
    now (str): What stands there; "" where it was left out.
    why (str): The reason, where it does not go without saying.
    """

    section: str
    was: str
    now: str
    why: str


class Changes:
    """Collects what is changed, in order."""

    def __init__(self) -> None:
        self.listed: list[Change] = []

    def add(self, section: str, was: str, now: str = "", why: str = "") -> None:
        """Note a change."""
        self.listed.append(Change(section, was, now, why))

    def drop(self, section: str, block: dict[str, Any], reasons: dict[str, str]) -> None:
        """Note keys of a block that are left out.

        reasons (dict[str, str]): Why, by key. Values that say nothing (empty, false) are silent.
        """
        for key, value in block.items():
            if key in reasons and value not in NOTHING:
                self.add(section, f"{key} = {_show(value)}", "", reasons[key])


def _show(value: Any) -> str:
    if isinstance(value, dict):
        names = [str(name) for key, name in value.items() if key.startswith("@")]
        return names[0] if names else str(dict(value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def is_theirs(name: Any) -> bool:
    """Whether a registered name belongs to one of the other libraries."""
    return isinstance(name, str) and name.startswith(THEIRS)

"""The folder of a run: what lies where, and who may write there."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import Errors, SettingError
from .folders import explain_disk, recover_folder, remove_folder, replace_folder


@dataclass(frozen=True)
class RunFolder:
    """Names of what a run writes.

    root (Path): What was given as the output.
    """

    root: Path

    @property
    def best(self) -> Path:
        """The pipeline with the best score, as spaCy names it."""
        return self.root / "model-best"

    @property
    def last(self) -> Path:
        """The pipeline of the last evaluation, as spaCy names it."""
        return self.root / "model-last"

    @property
    def resume(self) -> Path:
        """All that is needed to go on."""
        return self.root / "resume"

    @property
    def log(self) -> Path:
        """One JSON object a line for each evaluation."""
        return self.root / "log.jsonl"

    @property
    def curves(self) -> Path:
        """The picture of the log."""
        return self.root / "curves.svg"

    @property
    def parts(self) -> tuple[Path, Path, Path]:
        """The folders, each of which is replaced as a whole."""
        return self.best, self.last, self.resume

    def check(self, *, resume: bool, overwrite: bool) -> None:
        """Make sure that nothing of an earlier run is lost unasked.

        resume (bool): The earlier run is to go on.
        overwrite (bool): The earlier run may go.
        RAISES (SettingError): There is an earlier run and neither was said, or both, or there is
            nothing to go on from. Nothing was changed.
        """
        if resume and overwrite:
            raise SettingError(Errors.SB421)
        if resume or not overwrite:
            for part in self.parts:
                recover_folder(part)
        found = [part.name for part in self.parts if part.exists()]
        if not found or overwrite:
            return
        if not resume:
            raise SettingError(Errors.SB420.format(path=self.root, found=_join(found)))
        if not self.resume.exists():
            raise SettingError(Errors.SB423.format(path=self.root, found=_join(found)))

    def clear(self) -> None:
        """Make the folder; remove what an earlier run has written there, and nothing else."""
        self.root.mkdir(parents=True, exist_ok=True)
        for part in self.parts:
            remove_folder(part)
        for file in (self.log, self.curves):
            file.unlink(missing_ok=True)

    def save_last(self, write: Callable[[Path], None]) -> None:
        """Replace the last pipeline.

        write (Callable): Writes it to the path that it is given.
        RAISES (CheckpointError): It could not be written. The one before is whole.
        """
        with explain_disk(self.last), replace_folder(self.last) as staged:
            write(staged)

    def copy_best(self) -> None:
        """Make the last pipeline the best one. RAISES (CheckpointError): As `save_last`."""
        with explain_disk(self.best), replace_folder(self.best) as staged:
            shutil.copytree(self.last, staged)

    def describe(self) -> str:
        """Say what is there, for messages. Empty where there is nothing."""
        names = {self.best: "the best model", self.last: "the last good model"}
        kept = [f"{text} is in '{path}'" for path, text in names.items() if path.exists()]
        return f" Kept: {_join(kept)}." if kept else ""


def _join(words: list[str]) -> str:
    return ", ".join(words[:-1]) + " and " * (len(words) > 1) + words[-1]

"""One commit with all files of a pipeline, through the hub's own client."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...checkpoints.hub import is_repository, run_with_deadline, shorten
from ...errors import CheckpointError, CheckpointNotFoundError, Errors, SettingError
from .card import write_card
from .parcel import Parcel, pack_pipeline

DEADLINE_SECONDS = 30.0
# What hubs put into a new repository by themselves, and what says nothing about what it holds.
OF_THE_HUB = {".gitattributes", "README.md", "LICENSE"}


@dataclass(frozen=True)
class Pushed:
    """What a push did, or would do.

    url: Where the pipeline is; empty if nothing was uploaded.
    files: Size of each file, by path.
    removed: Files of an earlier push that this one no longer has.
    """

    repository: str
    url: str
    files: dict[str, int]
    removed: tuple[str, ...]
    left_out: tuple[str, ...]
    machine_paths: dict[str, str]
    card: str


def push_pipeline(
    source: str | Path,
    repository: str,
    *,
    is_private: bool = False,
    token: str | None = None,
    message: str | None = None,
    revision: str | None = None,
    is_dry_run: bool = False,
    deadline: float = DEADLINE_SECONDS,
) -> Pushed:
    """Upload a pipeline to a repository, which is made if it does not exist.

    The hub is the one that HF_ENDPOINT named when its client was imported.

    source (str | Path): A folder, a wheel that `spacy package` built, or an installed pipeline.
    repository (str): "owner/name", or "name" for one of the token's owner.
    is_private (bool): Only its owner sees the repository.
    token (str | None): Access token. Else HF_TOKEN, or what `hf auth login` has stored.
    message (str | None): Message of the commit.
    revision (str | None): Branch, which is made if it does not exist.
    is_dry_run (bool): Say what would be uploaded; no network, no token.
    deadline (float): Seconds after which a hub that has not answered is out of reach.
    RETURNS (Pushed): What was uploaded and what was not.
    RAISES (SettingError): The repository has an impossible name.
    RAISES (CheckpointNotFoundError): There is no pipeline.
    RAISES (CheckpointError): It does not load or holds a secret; no token, no right, no network;
        the repository is public or holds something else. The repository is as it was.
    """
    if not is_repository(repository):
        raise SettingError(Errors.SB783.format(name=repository))
    with pack_pipeline(source) as parcel:
        wheel = next((name for name in parcel.files if name.endswith(".whl")), None)
        card = _write_card(parcel, repository, wheel)
        if is_dry_run:
            return _report(parcel, repository, card)
        remote = _Remote(repository, token, revision, deadline)
        remote.open(is_private=is_private)
        if "/" not in repository:
            card = _write_card(parcel, remote.name, wheel)
        return remote.upload(parcel, card, message=message)


def find_stale(present: Iterable[str], files: Iterable[str]) -> list[str]:
    """Find what an earlier push left that would be in the way of this one.

    present (Iterable[str]): Files of the repository.
    files (Iterable[str]): Files that are uploaded.
    RETURNS (list[str]): Others in the same folders, and other wheels if a wheel is uploaded.
    """
    new = set(files)
    folders = {name.partition("/")[0] for name in new if "/" in name}
    has_wheel = any(name.endswith(".whl") for name in new)
    return sorted(
        name
        for name in set(present) - new
        if name.partition("/")[0] in folders
        or (has_wheel and name.endswith(".whl") and "/" not in name)
    )


def _write_card(parcel: Parcel, repository: str, wheel: str | None) -> str:
    path = parcel.files.get("README.md")
    readme = path.read_text(encoding="utf8") if path is not None else None
    return write_card(parcel.meta, repository=repository, wheel=wheel, readme=readme)


def _report(
    parcel: Parcel, repository: str, card: str, *, url: str = "", removed: Iterable[str] = ()
) -> Pushed:
    sizes = {name: path.stat().st_size for name, path in parcel.files.items()}
    sizes["README.md"] = len(card.encode())
    return Pushed(
        repository=repository,
        url=url,
        files=dict(sorted(sizes.items())),
        removed=tuple(removed),
        left_out=tuple(parcel.left_out),
        machine_paths=parcel.machine_paths,
        card=card,
    )


class _Remote:
    """One repository at a hub."""

    def __init__(self, name: str, token: str | None, revision: str | None, deadline: float) -> None:
        from huggingface_hub import HfApi, constants, get_token

        self.name, self.revision, self.deadline = name, revision, deadline
        self.endpoint = constants.ENDPOINT
        if constants.HF_HUB_OFFLINE:
            raise self._refuse(Errors.SB787, reason="HF_HUB_OFFLINE is set")
        found = token or get_token()
        if not found:
            raise self._refuse(Errors.SB784)
        self.api: Any = HfApi(endpoint=self.endpoint, token=found)

    def open(self, *, is_private: bool) -> None:
        """Make the repository and the branch if they are not there, and look at what is."""
        with self._translate_errors():
            url = run_with_deadline(
                lambda: self.api.create_repo(
                    self.name, private=True if is_private else None, exist_ok=True
                ),
                seconds=self.deadline,
            )
            self.name = url.repo_id
            if self.revision is not None:
                self.api.create_branch(self.name, branch=self.revision, exist_ok=True)
            info = self.api.model_info(self.name, revision=self.revision, timeout=self.deadline)
        if is_private and not info.private:
            raise self._refuse(Errors.SB788)
        self.present = {str(sibling.rfilename) for sibling in info.siblings or []}
        if not {"config.cfg", "meta.json"} <= self.present and self.present - OF_THE_HUB:
            got = ", ".join(sorted(self.present - OF_THE_HUB)[:5])
            raise self._refuse(Errors.SB789, revision=self.revision or "main", got=got)

    def upload(self, parcel: Parcel, card: str, *, message: str | None) -> Pushed:
        """Upload everything in one commit: all of it or nothing."""
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        sources: dict[str, Any] = {**parcel.files, "README.md": card.encode()}
        stale = find_stale(self.present, sources)
        version = parcel.meta.get("version") or "0.0.0"
        with self._translate_errors():
            self.api.create_commit(
                self.name,
                [
                    *(CommitOperationAdd(name, source) for name, source in sources.items()),
                    *(CommitOperationDelete(name) for name in stale),
                ],
                commit_message=message or f"Version {version}",
                revision=self.revision,
            )
        url = f"{self.endpoint.rstrip('/')}/{self.name}"
        if self.revision is not None:
            url += f"/tree/{self.revision}"
        return _report(parcel, self.name, card, url=url, removed=stale)

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Say what to do about an error of the client, whichever release it is."""
        try:
            yield
        except Exception as error:
            raise self._explain(error) from error

    def _explain(self, error: Exception) -> CheckpointError:
        chain = [e for e in (error, error.__cause__, error.__context__) if e is not None]
        statuses = [getattr(getattr(e, "response", None), "status_code", None) for e in chain]
        status = next((s for s in statuses if s is not None), None)
        reason = "; ".join(shorten(e) for e in (error, error.__cause__) if e is not None)
        if status == 401:
            return self._refuse(Errors.SB785, reason=reason)
        if status == 403:
            return self._refuse(Errors.SB786, reason=reason)
        if status is None and any(_is_of_the_network(e) for e in chain):
            return self._refuse(Errors.SB787, reason=reason)
        return self._refuse(Errors.SB790, reason=reason)

    def _refuse(self, text: str, **details: Any) -> CheckpointError:
        kind = CheckpointNotFoundError if text == Errors.SB787 else CheckpointError
        return kind(text.format(name=self.name, endpoint=self.endpoint, **details))


def _is_of_the_network(error: BaseException) -> bool:
    """Whether nobody answered; the clients raise exceptions of requests, httpx and Python."""
    names = {base.__name__ for base in type(error).__mro__}
    return isinstance(error, ConnectionError | TimeoutError) or bool(
        names & {"ConnectError", "TransportError", "Timeout", "RequestException", "gaierror"}
    )

"""`publish`: a publication to a dataset repository on the Hub, by `huggingface_hub` alone."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import ClassVar, Literal

from mmdia_dataset.built.manifest import MANIFEST, MARKER
from mmdia_dataset.errors import HubLoginMissing, HubNotFound, UsageError, shown
from mmdia_dataset.files import check_folder
from mmdia_dataset.hub import check_repo, in_our_words, logged_in
from mmdia_dataset.publishing.hubrules import LICENSES
from mmdia_dataset.publishing.publication import Withheld, make_publication
from mmdia_dataset.reports import Report

__all__ = ["Gate", "PublishReport", "publish"]

Gate = Literal["auto", "manual", "no"]

RIGHTS = (
    "The clips are parts of films. Publish them only if you hold the rights to these films, or have the holders' "
    "written consent."
)
# Files of an earlier publication that are removed if this one lacks them; everything else in the repository stays.
_REPLACED = [
    "dialogues/*",
    "annotations/*",
    "passports/*",
    "editions/*",
    "figures/*",
    "clips/*",
    "splits.json",
    "movies.jsonl",
    MANIFEST,
    MARKER,
]


@dataclass(slots=True, kw_only=True)
class PublishReport(Report):
    """What was, or on a dry run would be, published.

    Attributes:
        repo: the repository.
        revision: its branch.
        files: size of each file, by name.
        left_out: what of the source is not among them.
        dialogues: different ones.
        emptied: values of `extra` that named a file on somebody's machine.
        faults: what the Hub would refuse of the card.
        words: what to know before it is public.
        commit: the commit the branch now points to; None on a dry run.
        url: of that commit.
    """

    JSON_TOO: ClassVar = ("bytes",)

    repo: str
    revision: str
    files: dict[str, int] = field(default_factory=dict)
    left_out: list[Withheld] = field(default_factory=list)
    dialogues: int = 0
    emptied: int = 0
    faults: tuple[str, ...] = ()
    words: list[str] = field(default_factory=list)
    commit: str | None = None
    url: str | None = None

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(self.files.values())

    @property
    def exit_code(self) -> int:
        """1 if the Hub would refuse the card: then nothing was sent."""
        return 1 if self.faults else 0


def publish(
    source: Path | str,
    repo: str,
    *,
    release: Path | str | None = None,
    dry_run: bool = False,
    with_media: bool = False,
    licence: str = "unknown",
    revision: str = "main",
    public: bool = False,
    gated: Gate | None = None,
    out: Path | str | None = None,
    token: str | None = None,
) -> PublishReport:
    """Publish annotations, passports, editions and card. What is there already is not sent again.

    Args:
        source: a built directory, or a release.
        repo: `ORG/NAME`, made if it is not there.
        release: what the built directory was made from: its dialogues without a clip, and its passports, go with it.
        dry_run: make the publication and say what it holds; ask nothing of the Hub.
        with_media: the clips too.
        licence: of the annotations, as the Hub knows it: `cc-by-nc-4.0`.
        revision: the branch, made if it is not there.
        public: everybody can see a new repository; else only its owners. An existing one keeps its setting.
        gated: whether who wants the files must ask: `manual` (you decide), `auto` (all who agree), `no`.
        out: an empty folder to keep the publication in; else it is made in a temporary one.
        token: for the Hub; else that of `hf auth login`.

    Raises:
        UsageError: no repository's name, or arguments that do not go together.
        ReleaseNotFound, ReleaseUnreadable: nothing can be read there.
        OutputError: the publication can't be written.
        HubError: its kinds say what the Hub refused.
    """
    check_repo(repo)
    if gated not in (None, "auto", "manual", "no"):
        raise UsageError(f"{gated!r} is not a way to gate a repository", hint="give auto, manual or no")
    if not dry_run and not logged_in(token):
        raise HubLoginMissing("you are not logged in to the Hub", where=repo, hint="log in with `hf auth login`")
    if licence not in LICENSES:
        raise UsageError(
            f"{shown(licence)!r} is not a licence that the Hub knows", hint="give one such as cc-by-nc-4.0"
        )
    exists = not dry_run and _is_there(repo, token)
    report = PublishReport(repo=repo, revision=revision)
    with ExitStack() as stack:
        if out is None:
            # Beside the source, so that clips can be linked instead of copied.
            parent = Path(source).absolute().parent
            check_folder(parent)
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".mmdia-publish-", dir=parent)))
        else:
            folder = Path(out)
        publication = make_publication(
            Path(source),
            folder,
            release=None if release is None else Path(release),
            repo=repo,
            licence=licence,
            with_media=with_media,
        )
        report.files, report.left_out = publication.files(), publication.left_out
        report.dialogues = publication.dialogues
        report.emptied, report.faults = publication.emptied, publication.card.faults
        if with_media:
            report.words.append(RIGHTS)
        if licence == "unknown":
            report.words.append(
                "No licence is given, so nobody knows what they may do with the data. Give one with --license."
            )
        if not dry_run and not report.faults:
            _send(report, folder, exists=exists, public=public, gated=gated, token=token)
    return report


def _send(
    report: PublishReport, folder: Path, *, exists: bool, public: bool, gated: Gate | None, token: str | None
) -> None:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

    api = HfApi(token=token)
    repo, revision = report.repo, report.revision
    with in_our_words(repo, revision, token=token, writing=True):
        if not exists:
            api.create_repo(repo, repo_type="dataset", private=not public, exist_ok=True)
        if gated is not None:
            # Before anything is sent: what is to be gated must not be open for a moment.
            api.update_repo_settings(repo, repo_type="dataset", gated=False if gated == "no" else gated)
        if revision != "main":
            api.create_branch(repo, repo_type="dataset", branch=revision, exist_ok=True)
        there_before = api.list_repo_files(repo, repo_type="dataset", revision=revision)
        gone = [file for file in there_before if file not in report.files and _is_ours(file)]
        # In one commit, which `upload_folder` does not promise: nobody shall see half of a publication.
        done = api.create_commit(
            repo,
            [CommitOperationAdd(file, folder / file) for file in report.files]
            + [CommitOperationDelete(file) for file in gone],
            repo_type="dataset",
            revision=revision,
            commit_message=f"{report.dialogues:,} dialogues",
        )
    report.commit, report.url = done.oid, str(done.commit_url)


def _is_ours(file: str) -> bool:
    return any(fnmatch(file, pattern) for pattern in _REPLACED)


def _is_there(repo: str, token: str | None) -> bool:
    """Whether the repository can be seen. Making one that is there would ask for a right that writing does not need.

    Raises:
        HubError: the Hub can't be asked, which is better known before the publication is made.
    """
    from huggingface_hub import HfApi

    try:
        with in_our_words(repo, token=token, writing=True):
            HfApi(token=token).repo_info(repo, repo_type="dataset")
    except HubNotFound:
        return False
    return True

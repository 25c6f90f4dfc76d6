"""Finds the data: data_dir, $MMDIA_HOME or the Hub; and detects edits of its files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

from mmdia_dataset.errors import DataNotFound, ReleaseNotFound
from mmdia_dataset.files import state_of
from mmdia_dataset.hub import check_repo, in_our_words

__all__ = ["HOME", "HUB_REPO", "files_below", "find", "fingerprint", "package_hash"]

HOME = "MMDIA_HOME"
"""Environment variable that says where the annotations are when data_dir does not."""

HUB_REPO = "MMDIA_HUB_REPO"
"""Environment variable that names the gated repository on the Hugging Face Hub, such as ``org/mm-dia``.

There is no default: the authors tell approved researchers which repository it is; a guessed name may belong to anyone.
"""

_HUB_FILES = ["json/**", "dialogues/**", "annotations/**", "passports/**", "*.json", "*.jsonl", "README.md"]


def find(
    data_dir: str | os.PathLike[str] | None,
    *,
    token: str | bool | None = None,
    revision: str | None = None,
    media: Sequence[str] = (),
) -> Path:
    """The folder to load: data_dir, else $MMDIA_HOME, else a download of the Hub repository $MMDIA_HUB_REPO.

    Args:
        data_dir: the folder.
        token: for the Hub.
        revision: branch, tag or commit of the Hub repository.
        media: folders of media to download too, if the repository has them.

    Raises:
        ReleaseNotFound: the folder does not exist.
        DataNotFound: no folder and no repository is given.
        UsageError: $MMDIA_HUB_REPO is not a repository name.
        HubError: the Hub sends nothing; the class of the error says why.
    """
    for path, name in ((data_dir, "data_dir"), (os.environ.get(HOME), f"${HOME}")):
        if path:
            folder = Path(path).expanduser().absolute()
            if not folder.is_dir():
                what = "this is a file, not a folder" if folder.exists() else "there is no such folder"
                raise ReleaseNotFound(what, where=folder, hint=f"set {name} to a release or a built directory")
            return folder
    return _from_hub(token, revision, media)


def _from_hub(token: str | bool | None, revision: str | None, media: Sequence[str]) -> Path:
    repo = os.environ.get(HUB_REPO)
    if not repo:
        raise DataNotFound(
            f"no annotations: data_dir is not given, and neither ${HOME} nor ${HUB_REPO} is set",
            hint=f"give data_dir, set ${HOME}, or set ${HUB_REPO} to the Hub repository you have access to",
        )
    check_repo(repo)
    patterns = [*_HUB_FILES, *(f"{name}/**" for name in media)]
    with in_our_words(repo, revision, token=token):
        import huggingface_hub

        # A branch is resolved to the commit it points to now. The folder is named after the commit, and what is
        # prepared from it after the folder: no other commit's rows are served.
        folder = huggingface_hub.snapshot_download(
            repo, repo_type="dataset", revision=revision, token=token, allow_patterns=patterns
        )
    return Path(folder)


def fingerprint(files: Iterable[Path]) -> str:
    """A hash that changes when one of these files is added, removed or edited, from path, size and times."""
    digest = hashlib.sha256()
    for file in sorted(files):
        if (state := state_of(file)) is not None:
            digest.update(f"{file}\0{state}\n".encode(errors="replace"))
    return digest.hexdigest()[:32]


def files_below(folder: Path) -> Iterator[Path]:
    """All files of a folder tree, except hidden ones."""
    for top, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(top, name) for name in sorted(names) if not name.startswith("."))


@cache
def package_hash() -> str:
    """A hash that changes with any module of this package, so that data from another version is not used."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.parent.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]

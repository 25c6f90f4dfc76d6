"""Errors of the Hugging Face Hub in plain words, with what to do next.

Imports `huggingface_hub` only when it is needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from mmdia_dataset.errors import (
    HubAccessDenied,
    HubError,
    HubLoginMissing,
    HubNotFound,
    HubUnreachable,
    UsageError,
    shown,
)

__all__ = ["check_repo", "in_our_words", "logged_in"]

_LOGIN = "log in with `hf auth login`"
_NETWORK = ("httpx", "httpx2", "httpcore", "httpcore2", "requests", "urllib3", "hf_xet")
_REPO = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}\Z", re.ASCII)


def check_repo(repo: str) -> None:
    """Check that a text is a repository name. Raises UsageError."""
    if not _REPO.match(repo) or ".." in repo or "--" in repo or repo.endswith((".git", ".", "-")):
        raise UsageError(f"{shown(repo)!r} is not a repository name", hint="write it as ORG/NAME")


def logged_in(token: str | bool | None = None) -> bool:
    """Whether there is an access token."""
    from huggingface_hub import get_token

    return token is not False and bool(token if isinstance(token, str) else get_token())


@contextmanager
def in_our_words(
    repo: str, revision: str | None = None, *, token: str | bool | None = None, writing: bool = False
) -> Iterator[None]:
    """Errors of the Hub inside the block become a `HubError`; other errors pass unchanged.

    Args:
        repo: the repository.
        revision: its branch, tag or commit.
        token: the access token.
        writing: whether the block uploads something.

    Raises:
        HubLoginMissing, HubAccessDenied, HubNotFound, HubUnreachable, HubError: see these classes.
    """
    try:
        yield
    except Exception as error:
        ours = _translated(error, repo, revision, has_token=logged_in(token), writing=writing)
        if ours is None:
            raise
        raise ours from error


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error, what caused it, what caused that. Uploads in threads wrap what went wrong."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _translated(
    error: Exception, repo: str, revision: str | None, *, has_token: bool, writing: bool
) -> HubError | None:
    for cause in _chain(error):
        ours = _hub_error(cause, repo, revision, has_token=has_token, writing=writing)
        if ours is not None:
            return ours
    return None


def _hub_error(
    error: BaseException, repo: str, revision: str | None, *, has_token: bool, writing: bool
) -> HubError | None:
    from huggingface_hub import constants, errors

    again = "run the same command again (finished uploads are kept)" if writing else "try again"
    if isinstance(error, errors.OfflineModeIsEnabled) or (
        constants.HF_HUB_OFFLINE and isinstance(error, errors.LocalEntryNotFoundError)
    ):
        what = "the Hub is switched off (HF_HUB_OFFLINE is set)" + (
            "" if writing else ", and this was not downloaded before"
        )
        return HubUnreachable(what, where=repo, hint="unset HF_HUB_OFFLINE")
    if isinstance(error, errors.LocalTokenNotFoundError):
        return HubLoginMissing("you are not logged in to the Hub", where=repo, hint=_LOGIN)
    if isinstance(error, errors.RevisionNotFoundError):
        return HubNotFound(
            f"this repository has no revision {shown(revision or 'main')!r}",
            where=repo,
            hint="give a branch, a tag, or a full commit hash",
        )
    # Before 1.0, a file that is neither here nor reachable counted as an answer of the Hub.
    unreachable = isinstance(error, errors.LocalEntryNotFoundError)
    if isinstance(error, errors.HfHubHTTPError) and not unreachable:
        return _refused(error, repo, has_token=has_token, writing=writing, again=again)
    network = type(error).__module__.partition(".")[0] in _NETWORK or isinstance(
        error, (ConnectionError, TimeoutError, errors.LocalEntryNotFoundError)
    )
    if network:
        return HubUnreachable(
            f"the Hub can't be reached, or the connection broke ({type(error).__name__})",
            where=repo,
            hint=f"check the network, then {again}",
        )
    return None


def _refused(error: Exception, repo: str, *, has_token: bool, writing: bool, again: str) -> HubError:
    """For a refused request; the most specific classes come first, since some are subclasses of others."""
    from huggingface_hub import constants, errors

    status = getattr(getattr(error, "response", None), "status_code", None)
    page = f"{constants.ENDPOINT}/datasets/{repo}"
    if isinstance(error, errors.GatedRepoError):
        if has_token:
            what = "the dataset is gated, and you do not have access (yet)"
            return HubAccessDenied(what, where=repo, hint=f"ask for access at {page} and wait until it is granted")
        return HubLoginMissing("the dataset is gated, and you are not logged in to the Hub", where=repo, hint=_LOGIN)
    if has_token and status == 401:
        return HubLoginMissing("the Hub does not accept your token", where=repo, hint=_LOGIN)
    if isinstance(error, errors.RepositoryNotFoundError):
        if has_token:
            what = "the Hub finds no such dataset: the name is wrong, or the dataset is private and not shared with you"
            return HubNotFound(what, where=repo, hint="correct the name, or ask its owner for access")
        what = "the Hub finds no such dataset, and you are not logged in"
        return HubLoginMissing(what, where=repo, hint=f"{_LOGIN}, and correct the name if it is wrong")
    if status == 401:
        return HubLoginMissing("you are not logged in to the Hub", where=repo, hint=_LOGIN)
    if status == 403:
        what = "you may not write to this repository" if writing else "you may not read this repository"
        hint = "log in with a token that has write permission" if writing else f"ask for access at {page}"
        return HubAccessDenied(what, where=repo, hint=f"{hint}, or ask its owner")
    if status is not None and (status >= 500 or status == 429):
        return HubUnreachable(f"the Hub is busy or down ({status})", where=repo, hint=f"wait, then {again}")
    first = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return HubError(f"the Hub refused: {shown(first.strip().rstrip('.'))}", where=repo, hint=f"see {page}")

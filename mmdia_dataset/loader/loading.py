"""`load`: the builder called, without `datasets.load_dataset` in between."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from mmdia_dataset.errors import UsageError
from mmdia_dataset.loader.builder import Builder, check_choice, split_names
from mmdia_dataset.loader.choices import ARGUMENTS
from mmdia_dataset.loader.task_rows_source import OPTIONS
from mmdia_dataset.schema import SPLITS

__all__ = ["load"]


def load(
    name: str = "dialogues",
    *,
    data_dir: str | os.PathLike[str] | None = None,
    media_dir: str | os.PathLike[str] | None = None,
    split: Any = None,
    streaming: bool = False,
    num_proc: int | None = None,
    mode: str = "copy",
    audio: str | None = None,
    audio_kind: str | Sequence[str] | None = None,
    decode: bool = False,
    cache_dir: str | os.PathLike[str] | None = None,
    download_mode: str | None = None,
    keep_in_memory: bool = False,
    revision: str | None = None,
    token: str | bool | None = None,
    **options: Any,
) -> Any:
    """Load rows of MM-DIA as `datasets` objects. The same as `datasets.load_dataset("mm-dia", name, …)`.

    Args:
        name: `dialogues` (annotations only), `clips` (with media), or a task such as `style_speech`.
        data_dir: a release or a built directory. Without it, $MMDIA_HOME is loaded, else the Hub repository.
        media_dir: the folder of your films, for `clips` of a release. Clips of the given splits are cut into the cache.
            `dialogues` ignores it.
        split: `train`, `train[:10%]`, `train+validation`, …; None for all splits.
        streaming: read while iterating, without preparing anything.
        num_proc: number of processes that prepare the data.
        mode: how clips are cut from media_dir: `copy`, `encode`, `audio` or `keyframes`. With `access` nothing is cut,
            and `mmdia_dataset.Decode` decodes the rows.
        audio: `release` gives `dialogues` or `clips` of a release the sound that the release brings, by path; tasks and
            `bench` of a release have it without asking. No film is needed.
        audio_kind: which sound of a release: `voice`, `voice_44k`, `mix`, `background` or `film`, or several, the
            preferred one first; by default the first of these that a dialogue has, but for `background`.
        decode: decode media when a row is read, as `datasets` does; else a row has the paths.
        cache_dir: where `datasets` stores what it prepares.
        download_mode: `force_redownload` to prepare the data again.
        keep_in_memory: read the rows into memory instead of mapping the file.
        revision: branch, tag or commit of the Hub repository.
        token: access token for the Hub.
        options: `subset`, a file written by `mmdia coverage`, loads only its dialogues. For `bench`: `selection`, some
            fields of `mmdia_dataset.splitting.benchmark.Selection`. For tasks: see `mmdia_dataset.views.TaskOptions`.

    Returns:
        A `datasets.Dataset` if `split` names one, else a `DatasetDict`; their iterable forms if streaming.

    Raises:
        ConfigError: unknown configuration, mode or split; the message lists the valid ones.
        ReleaseNotFound, DataNotFound: there are no annotations.
    """
    for split_name in split_names(split):
        check_choice("split", split_name, (*SPLITS, "all"))
    for option in options:
        check_choice("option", option, (*ARGUMENTS, *OPTIONS))
    if streaming and num_proc is not None:
        raise UsageError("num_proc has no effect with streaming", hint="leave out one of the two")
    names = sorted(set(split_names(split)) & set(SPLITS))
    builder = Builder(
        config_name=name,
        data_dir=data_dir,
        media_dir=media_dir,
        mode=mode,
        audio=audio,
        audio_kind=audio_kind,
        decode=decode,
        only=",".join(names) if names and name == "clips" and media_dir is not None else None,
        cache_dir=None if cache_dir is None else os.fspath(cache_dir),
        revision=revision,
        token=token,
        **options,
    )
    if streaming:
        return builder.as_streaming_dataset(split)
    builder.download_and_prepare(num_proc=num_proc, download_mode=download_mode)
    return builder.as_dataset(split, in_memory=keep_in_memory)

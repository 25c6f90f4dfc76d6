"""The builder.

It opens no files and calls no path methods: `datasets` replaces such functions in a builder's module with its own.

All three ways to load end here: `load_dataset("mm-dia")` (see `datasets_hook`), `load`, and loading_script.py make a
`Builder` with the same arguments. Wrong data or arguments are reported before `datasets` starts to work, since it would
wrap our sentence in its own.
"""

from __future__ import annotations

import errno
import os
import pathlib
import re
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import datasets
import pyarrow as pa
from datasets.utils import tqdm

from mmdia_dataset.datasets_hook import NAME
from mmdia_dataset.errors import ConfigError, DataNotFound, MmdiaError, UsageError
from mmdia_dataset.files import output_error
from mmdia_dataset.loader import data_dir as places
from mmdia_dataset.loader.choices import BENCH, Choice
from mmdia_dataset.loader.cuts import ACCESS, Cuts
from mmdia_dataset.loader.features import features
from mmdia_dataset.loader.parts import SourcePart, joined
from mmdia_dataset.loader.released import ReleasedRows, StagedRows
from mmdia_dataset.loader.row_sources import BuiltRows, RowSource, open_source
from mmdia_dataset.loader.sounds import RELEASE, ReleaseSounds, kinds_of
from mmdia_dataset.loader.task_rows_source import OPTIONS, Tasks
from mmdia_dataset.schema import SCHEMA_VERSION, SPLITS, AudioKind, Clip, Dialogue, Model, Split
from mmdia_dataset.views import TASKS, TaskOptions

__all__ = ["Builder", "Config", "check_choice", "split_names"]

_MODELS: dict[str, type[Model]] = {"dialogues": Dialogue, "clips": Clip, BENCH: Clip}
_MODELS |= {task.name: task.model for task in TASKS.values()}
_MODES = ("copy", "encode", "audio", "keyframes", ACCESS)
_DISK = {
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EACCES", "EPERM", "ENAMETOOLONG", "ENOTDIR", "EEXIST")
}


@dataclass(kw_only=True)
class Config(datasets.BuilderConfig):  # type: ignore[misc]
    """What to load. `state` is the fingerprint of the data, and so part of the name of the cache folder.

    Args:
        media_dir: folder of films to cut clips from; null if they are cut already.
        mode: how clips are cut: `copy`, `encode`, `audio`, `keyframes`; `access` cuts nothing, see `Decode`.
        decode: whether reading a row decodes its media.
        only: cut clips of these splits only, comma-separated.
        state: fingerprint of annotations and films.
        task: the options of a task, as text.
        chosen: which dialogues to load, as text.
    """

    media_dir: str | None = None
    mode: str = "copy"
    decode: bool = False
    only: str | None = None
    state: str | None = None
    task: str | None = None
    chosen: str | None = None


class Builder(datasets.ArrowBasedBuilder):  # type: ignore[misc]
    """MM-DIA for `datasets`.

    Raises:
        ConfigError: unknown configuration, mode or split.
        UsageError: the arguments do not go together.
        ReleaseNotFound, DataNotFound: no annotations.
    """

    VERSION = datasets.Version(f"{SCHEMA_VERSION}.0")
    BUILDER_CONFIG_CLASS = Config
    BUILDER_CONFIGS = [  # noqa: RUF012 - datasets reads it as a class attribute
        Config(name="dialogues", version=VERSION, description="Annotations; needs no media."),
        Config(name="clips", version=VERSION, description="Annotations with the clip cut from your film."),
        Config(name=BENCH, version=VERSION, description="The benchmark; with clips if loaded from a built directory."),
        *(
            Config(name=task.name, version=datasets.Version(f"{SCHEMA_VERSION}.0"), description=task.words)
            for task in TASKS.values()
        ),
    ]
    DEFAULT_CONFIG_NAME = "dialogues"
    # Rows hold paths, not films; datasets would write ten of them at a time because of the video column.
    DEFAULT_WRITER_BATCH_SIZE = 1000

    def __init__(
        self,
        *,
        config_name: str | None = None,
        data_dir: str | os.PathLike[str] | None = None,
        media_dir: str | os.PathLike[str] | None = None,
        mode: str = "copy",
        audio: str | None = None,
        audio_kind: str | Sequence[str] | None = None,
        decode: bool = False,
        only: str | None = None,
        revision: str | None = None,
        token: str | bool | None = None,
        **datasets_options: Any,
    ) -> None:
        name = config_name or self.DEFAULT_CONFIG_NAME
        check_choice("configuration", name, tuple(_MODELS))
        check_choice("mode", mode, _MODES)
        splits = tuple(only.split(",")) if only else None
        for split in splits or ():
            check_choice("split", split, SPLITS)
        if datasets_options.pop("data_files", None) is not None:
            raise UsageError("data_files is not supported", hint="give the release or built directory as data_dir")
        task_options = {option: datasets_options.pop(option) for option in OPTIONS if option in datasets_options}
        options = TaskOptions.taken_from(task_options)
        if task_options and name not in TASKS:
            raise UsageError(
                f"the option {next(iter(task_options))} is only for tasks", hint=f"load a task: {', '.join(TASKS)}"
            )
        if audio is not None:
            check_choice("audio", audio, (RELEASE,))
        asked = audio is not None or audio_kind is not None
        media = _media_folders(name, asked) if media_dir is None else ()
        folder = places.find(data_dir, token=token, revision=revision, media=media)
        source = open_source(folder, Dialogue if name == "dialogues" else Clip)
        self._choice = Choice.taken_from(datasets_options, name, source)
        cache = os.fspath(datasets_options.get("cache_dir") or datasets.config.HF_DATASETS_CACHE)
        with _in_our_words(cache):
            rows = _with_sound(source, name, asked, kinds_of(audio_kind), cache)
        if name != "dialogues" and media_dir is not None and (isinstance(rows, BuiltRows) or name in TASKS):
            what = "the clips of this built directory are cut already"
            if isinstance(source, ReleasedRows):
                what = "the release's own sound is loaded, which needs no films"
            raise UsageError(what, where=source.root, hint="leave out media_dir")
        self._model = _MODELS[name]
        if name in ("dialogues", BENCH):
            self._model = Clip if isinstance(rows, BuiltRows) and rows.model is Clip else Dialogue
        self._cuts: Cuts | None = None
        self._release: ReleasedRows | None = None
        self._source: RowSource | None = None
        kwargs: dict[str, Any] = {"data_dir": os.fspath(source.root), "state": rows.fingerprint()}
        if name in TASKS and isinstance(rows, BuiltRows):
            self._source = Tasks.of(rows, TASKS[name], options)
            kwargs |= {"state": self._source.fingerprint(), "task": options.text()}
        elif isinstance(rows, BuiltRows):
            self._source = rows
        elif name == "clips":
            self._cuts = Cuts.of(rows, media_dir, mode, splits)
            kwargs |= {"media_dir": os.fspath(self._cuts.media), "mode": mode, "state": self._cuts.state}
            kwargs |= {"only": only} if only else {}
        else:
            self._release = rows
        kwargs |= {"decode": True} if decode else {}
        kwargs |= {"chosen": self._choice.text} if self._choice else {}
        datasets_options |= {"dataset_name": NAME, "hash": places.package_hash()}
        if self._cuts is None and (mode != "copy" or only):
            raise UsageError(
                "mode and only are for cutting clips, but nothing is cut here", hint="give a release and media_dir"
            )
        with _in_our_words(cache):
            super().__init__(config_name=name, token=token, **kwargs, **datasets_options)

    def _info(self) -> datasets.DatasetInfo:
        model = self._model if self._cuts is None else self._cuts.model
        return datasets.DatasetInfo(
            description=self.config.description or "", features=features(model, decode=self.config.decode)
        )

    # --- preparing ---

    def download_and_prepare(self, *args: Any, **kwargs: Any) -> None:
        """As in `datasets`, but our errors are not wrapped in others."""
        if self._cuts is not None and not self._cuts.are_made(self._cache_dir_root):
            kwargs["download_mode"] = "force_redownload"  # the rows may be cached, but their clips are gone
        with _in_our_words(self._cache_dir_root):
            super().download_and_prepare(*args, **kwargs)

    def _download_and_prepare(self, dl_manager: Any, verification_mode: Any, **prepare_split_kwargs: Any) -> None:
        local = self._output_dir if os.path.isdir(self._output_dir) else None  # noqa: PTH112
        with tempfile.TemporaryDirectory(prefix="staged-", dir=local) as staging:
            try:
                self._make_source(prepare_split_kwargs.get("num_proc") or 1, staging)
                super()._download_and_prepare(dl_manager, verification_mode, **prepare_split_kwargs)
            finally:
                if isinstance(self._source, StagedRows):
                    self._source = None

    def _make_source(self, jobs: int = 1, staging: str | None = None) -> RowSource:
        """The rows, ready to be read: clips cut, or a release sorted by splits where there is a folder for that."""
        if self._source is None and self._cuts is not None:
            with _progress() as progress:
                self._source = self._cuts.make(self._cache_dir_root, jobs, progress)
        elif self._source is None and self._release is not None:
            if staging is None:
                return self._release
            self._source, findings = self._release.stage(staging, jobs)
            sentence = findings.sentence(self._release.root)
            if sentence:
                self.info.description = f"{self.info.description}\n{sentence}"
                warnings.warn(sentence, stacklevel=2)
        assert self._source is not None  # noqa: S101 - a builder has one of the three
        return self._source

    def _rows(self) -> RowSource:
        source = self._make_source()
        return source if self._choice is None else self._choice.applied(source)

    def _prepare_split(self, split_generator: Any, *args: Any, num_proc: int | None = None, **kwargs: Any) -> None:
        """As in `datasets`, with no more processes than parts, and none to copy what is staged."""
        if num_proc is not None:
            num_proc = (
                1 if isinstance(self._source, StagedRows) else min(num_proc, len(split_generator.gen_kwargs["shards"]))
            )
        super()._prepare_split(split_generator, *args, num_proc=num_proc, **kwargs)

    def _split_generators(self, dl_manager: Any) -> list[datasets.SplitGenerator]:
        shards = self._shards()
        return [
            datasets.SplitGenerator(name=split, gen_kwargs={"shards": parts, "split": split})
            for split, parts in shards.items()
        ]

    def _shards(self) -> dict[Split, list[SourcePart]]:
        shards = self._rows().shards()
        if self.config.only:
            shards = {split: parts for split, parts in shards.items() if split in self.config.only.split(",")}
        if not shards:
            raise DataNotFound("there are no rows", where=self.config.data_dir, hint="run `mmdia validate` to see why")
        return shards

    def _generate_tables(self, shards: list[SourcePart], split: Split) -> Iterator[tuple[str, pa.Table]]:
        source = self._rows()
        for number, shard in enumerate(joined(shards)):
            for part, table in enumerate(source.tables(shard, split)):
                yield f"{number}-{part}", table

    # --- reading ---

    def as_dataset(self, split: Any = None, *args: Any, **kwargs: Any) -> Any:
        """As in `datasets`. Raises ConfigError if there is no such split."""
        _check_present(split, list(self.info.splits or ()))
        return super().as_dataset(split, *args, **kwargs)

    def as_streaming_dataset(self, split: Any = None, *args: Any, **kwargs: Any) -> Any:
        """As in `datasets`. Raises ConfigError if there is no such split, or if it is a slice."""
        if split is not None:
            _check_present(split, list(self._shards()))
        if "[" in str(split):
            raise ConfigError(
                f"streaming reads whole splits, not the slice {str(split)!r}",
                hint="use streaming=False, or .take(n) and .skip(n)",
            )
        return super().as_streaming_dataset(split, *args, **kwargs)


def _media_folders(name: str, asked: bool) -> tuple[str, ...]:
    """The folders of a Hub repository that a configuration needs; of the benchmark, the release has the videos."""
    if asked or name in TASKS:
        return ("clips", "audio", "video")
    return {"dialogues": (), BENCH: ("clips", "video")}.get(name, ("clips",))


def _with_sound(
    source: BuiltRows | ReleasedRows, name: str, asked: bool, kinds: tuple[AudioKind, ...], cache: str
) -> BuiltRows | ReleasedRows:
    """The source, or where it is a release whose sound is wanted, its rows with sound.

    Args:
        source: what was opened.
        name: the configuration.
        asked: whether the user asked for the release's sound.
        kinds: the sounds that will do.
        cache: the folder of the cache.

    Raises:
        UsageError: there is no sound, or key frames are needed too.
    """
    if isinstance(source, BuiltRows):
        if asked:
            raise UsageError(
                "audio and audio_kind choose among the sounds of a release, but this is a built directory",
                where=source.root,
                hint="leave them out",
            )
        return source
    task = TASKS.get(name)
    if task is not None and "keyframes" in task.media:
        raise UsageError(
            f"{name} needs key frames, which only films have",
            where=source.root,
            hint="run `mmdia rebuild` (--mode audio and --mode keyframes) and load its output",
        )
    if not (asked or task is not None or name == BENCH):
        return source
    sounds = ReleaseSounds.of(source, kinds, heard_only=name == "clips")
    if sounds.audio:
        return sounds.make(cache)
    if asked or task is not None:
        raise sounds.none(name, ("audio",) if task is None else task.media)
    return source


def split_names(split: Any) -> list[str]:
    """The splits named in a `split` argument, if it is text: two for ``train[:10%]+test``."""
    if isinstance(split, dict):
        return [name for part in split.values() for name in split_names(part)]
    if isinstance(split, (list, tuple)):
        return [name for part in split for name in split_names(part)]
    if not isinstance(split, (str, datasets.NamedSplit)):
        return []
    return [re.split(r"[\[(]", part)[0].strip() for part in str(split).split("+")]


def check_choice(kind: str, value: str, choices: tuple[str, ...]) -> None:
    """Check that a value is one of the choices. Raises ConfigError."""
    if value not in choices:
        raise ConfigError(f"unknown {kind} {value!r}", hint=f"choose one of {', '.join(choices)}")


def _check_present(split: Any, present: list[str]) -> None:
    for name in split_names(split):
        check_choice("split", name, (*SPLITS, "all"))
        if name not in (*present, "all"):
            raise ConfigError(f"this data has no split {name!r}", hint=f"it has {', '.join(present)}")


def _spare_our_builder() -> None:
    """Keep `datasets` 3 from locking a file beside this package, in a folder that may be read-only.

    It does so to patch functions in the modules of any builder, for data that is streamed from elsewhere. Ours needs
    none of that. From version 4 on the patching locks nothing, and is let be.
    """
    original = getattr(datasets.builder, "extend_dataset_builder_for_streaming", None)
    if original is None or int(datasets.__version__.split(".")[0]) >= 4:
        return

    def extend_dataset_builder_for_streaming(builder: Any) -> None:
        if not isinstance(builder, Builder):
            original(builder)

    datasets.builder.extend_dataset_builder_for_streaming = extend_dataset_builder_for_streaming


_spare_our_builder()


@contextmanager
def _in_our_words(cache: str) -> Iterator[None]:
    """Our errors pass unchanged instead of wrapped by `datasets`; a full or read-only disk gives one sentence."""
    try:
        yield
    except datasets.exceptions.DatasetGenerationError as error:
        cause = error.__cause__
        if isinstance(cause, MmdiaError):
            raise cause from None
        if isinstance(cause, OSError) and cause.errno in _DISK:
            raise output_error(cause, pathlib.Path(cache)) from error
        raise
    except OSError as error:
        if error.errno in _DISK:
            raise output_error(error, pathlib.Path(cache)) from error
        raise


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A callback that draws a bar per stage, as `datasets` does, and is silent when its bars are."""
    bars: dict[str, Any] = {}

    def progress(stage: str, done: int, total: int) -> None:
        if stage not in bars:
            bars[stage] = tqdm(desc=stage.capitalize(), total=total)
        bars[stage].update(done - bars[stage].n)

    try:
        yield progress
    finally:
        for bar in bars.values():
            bar.close()

"""Checks of the sound that a release brings: whether it is there, whole, loud, and as long as its dialogue.

Of each file, the header is read, and of voices the sound until something is heard; with `listen`, all sound to its
end. Whether it is the dialogue's by what is said in it, only a film can tell: `mmdia align` finds that out.
"""

from __future__ import annotations

import os
import zlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from mmdia_dataset.files import sha256_of
from mmdia_dataset.processes import Progress, in_processes
from mmdia_dataset.release.audio import LISTENED_TO, ReleaseAudio
from mmdia_dataset.release.rules import make_issue
from mmdia_dataset.schema import AudioKind, Dialogue, Issue

__all__ = ["SoundChecker"]

_TAIL_MS = 100
"""So long after its last cue a dialogue's sound ends: 99.3 to 100.8 ms in 112 files made as upstream makes them."""
_TOLERANCE_MS = 250
"""Times are rounded, and some formats add up to 50 ms; a wrong file is off by seconds."""
_EQUAL_MS = 5
"""Sound that is so close to another dialogue's length may be that dialogue's."""
_SHORT_MS = 200
"""As with cues: what is shorter holds no word."""
_SILENT = 0.001
"""Samples up to here, -60 dB, are silence; the quietest voice track measured has a peak of 0.5."""
_BLOCK = 1 << 14
_OPENED = (".wav", ".flac", ".opus", ".ogg", ".mp3")
"""What soundfile reads; of other files only the size is looked at."""
_FEW = 2000
"""So many files are read sooner than another process starts."""


@dataclass(frozen=True, slots=True)
class _Task:
    """The files of one movie.

    Attributes:
        place: the movie's in the release.
        files: what to read.
        listen: whether to read them to their end.
    """

    place: int
    files: tuple[tuple[AudioKind, str], ...]
    listen: bool


@dataclass(frozen=True, slots=True)
class _Heard:
    """What a file came to.

    Attributes:
        rule: the rule it breaks, None if it is sound.
        detail: how.
        length_ms: of its sound, None where that was not read.
        mark: of files with the same bytes the same.
    """

    rule: str | None = None
    detail: str = ""
    length_ms: float | None = None
    mark: int = 0


_LOST = _Heard("sound-unreadable", "reading it, or another file of this movie, ended the program")


@dataclass(frozen=True, slots=True)
class _Sounds:
    """A dialogue and its files."""

    id: str
    span_ms: int
    files: tuple[tuple[AudioKind, str], ...]


class SoundChecker:
    """Checks the sound of one release: `add` every dialogue, then `finish`.

    Args:
        audio: the sounds; which of them no dialogue asks for must not be known yet.
    """

    def __init__(self, audio: ReleaseAudio) -> None:
        self._audio = audio
        self._any = bool(audio) or audio.undecoded > 0
        self._movies: dict[str, list[_Sounds]] = {}
        self._without: dict[str, list[int]] = {}
        self._encoded = 0
        self._owners: dict[str, str] = {}
        self._shared: list[tuple[str, str, str]] = []
        self._marks = array("Q")
        self._marked: list[tuple[str, str]] = []

    def add(self, dialogue: Dialogue) -> None:
        """Find a dialogue's files, to look at them later."""
        if not self._any:
            return
        files = tuple((kind, os.fspath(path)) for kind, path in self._audio.files_of(dialogue).items())
        if not files and self._audio.is_encoded_only(dialogue):
            self._encoded += 1
        elif not files:
            self._without.setdefault(dialogue.movie, []).append(dialogue.number)
        elif (owner := self._owners.setdefault(files[0][1], dialogue.id)) != dialogue.id:
            self._shared.append((dialogue.id, owner, files[0][1]))
            files = ()  # they are looked at as the owner's
        self._movies.setdefault(dialogue.movie, []).append(_Sounds(dialogue.id, dialogue.span.duration_ms, files))

    def finish(self, *, listen: bool = False, jobs: int = 1, progress: Progress | None = None) -> Iterator[Issue]:
        """Read the files. The issues come movie by movie, in the order of the release.

        Args:
            listen: read every file to its end.
            jobs: processes.
            progress: called as ``progress("listening", done, total)``, in files.
        """
        for link in self._audio.outside:
            yield make_issue("outside-release", self._name(link), "$", "the link leads outside the release folder")
        if self._encoded:
            dialogues = "1 dialogue has" if self._encoded == 1 else f"{self._encoded:,} dialogues have"
            yield make_issue("sound-not-decoded", None, "$", f"{dialogues} encoded sound and no other")
        if self._audio:
            yield from self._absent()
        for id_, owner, path in self._shared:
            yield make_issue("sound-of-two", self._name(path), "$", f"{id_}: {owner} has this file too")
        yield from self._listened(listen, jobs, progress)
        yield from self._repeated()
        for unclaimed in self._audio.unclaimed():
            name = self._name(unclaimed)
            yield make_issue("sound-unclaimed", name, "$", "no dialogue has this batch, movie and number")

    def _name(self, path: Path | str) -> str:
        return Path(path).relative_to(self._audio.root).as_posix()

    def _absent(self) -> Iterator[Issue]:
        for movie, numbers in self._without.items():
            count = len(self._movies[movie])
            if len(numbers) == count:
                message = f"{movie}: none of its {count:,} dialogues has sound" if count > 1 else f"{movie}: no sound"
            else:
                message = f"{movie}: {len(numbers):,} of {count:,} dialogues have no sound: {_ranges(numbers)}"
            yield make_issue("no-sound", None, "$", message)

    def _listened(self, listen: bool, jobs: int, progress: Progress | None) -> Iterator[Issue]:
        movies = list(self._movies.values())
        tasks = [
            _Task(place, tuple(file for sounds in movie for file in sounds.files), listen)
            for place, movie in enumerate(movies)
        ]
        total = sum(len(task.files) for task in tasks)
        waiting: dict[int, tuple[_Heard, ...]] = {}
        done = following = 0
        for task, heard in in_processes(_hear_all, tasks, jobs if total > _FEW else 1):
            waiting[task.place] = heard or (_LOST,) * len(task.files)
            done += len(task.files)
            if progress:
                progress("listening", done, total)
            while following in waiting:  # in the order of the release, whichever process was first
                yield from self._movie(movies[following], iter(waiting.pop(following)))
                following += 1

    def _movie(self, movie: Sequence[_Sounds], heard: Iterator[_Heard]) -> Iterator[Issue]:
        for sounds in movie:
            faults: dict[str, list[tuple[AudioKind, str, str]]] = {}
            for kind, path in sounds.files:
                result = next(heard)
                rule, detail = result.rule, result.detail
                if rule is None and kind in LISTENED_TO:
                    self._marks.append(result.mark)
                    self._marked.append((sounds.id, path))
                if rule is None and result.length_ms is not None:
                    rule, detail = _length(result.length_ms, sounds, movie)
                if rule is not None:
                    faults.setdefault(rule, []).append((kind, path, detail))
            for rule, files in faults.items():
                kinds = ", ".join(kind for kind, _, _ in files)
                _, path, detail = files[0]
                yield make_issue(rule, self._name(path), "$", f"{sounds.id} ({kinds}): {detail}")

    def _repeated(self) -> Iterator[Issue]:
        """Files with the mark of another are compared whole; each pair of dialogues is named once."""
        _, first, counts = np.unique(np.array(self._marks), return_inverse=True, return_counts=True)
        named: set[tuple[str, str]] = set()
        owners: dict[str, str] = {}
        for place in np.flatnonzero(counts[first] > 1):
            id_, path = self._marked[place]
            try:
                owner = owners.setdefault(sha256_of(Path(path)), id_)
            except OSError:
                continue  # gone since it was read
            if owner != id_ and (owner, id_) not in named:
                named.add((owner, id_))
                yield make_issue("sound-repeated", self._name(path), "$", f"{id_}: its sound is that of {owner}")


def _length(length_ms: float, sounds: _Sounds, movie: Sequence[_Sounds]) -> tuple[str | None, str]:
    """The rule that a sound's length breaks, and how."""
    if length_ms < _SHORT_MS:
        return "sound-too-short", f"the sound lasts {length_ms:.0f} ms"
    off = length_ms - _TAIL_MS - sounds.span_ms
    if abs(off) <= _TOLERANCE_MS or sounds.span_ms <= 0:  # a span that is empty has its own rule
        return None, ""
    detail = f"the sound lasts {length_ms / 1000:.1f} s, its dialogue {sounds.span_ms / 1000:.1f} s"
    fitting = [x.id for x in movie if abs(length_ms - _TAIL_MS - x.span_ms) <= _EQUAL_MS]
    if len(fitting) == 1:
        return "sound-fits-another", f"{detail}; that is the length of {fitting[0]}"
    return "sound-length", detail


def _ranges(numbers: Sequence[int]) -> str:
    """1, 2, 3 and 7 as `1-3, 7`."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number <= runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def _hear_all(task: _Task) -> tuple[_Heard, ...]:
    """Read the files of a task; work for a process."""
    return tuple(_hear(kind, path, task.listen) for kind, path in task.files)


def _hear(kind: AudioKind, path: str, listen: bool) -> _Heard:
    """Read a file: who does not listen hears it until it is loud."""
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - 200,000 of them
            size = os.fstat(file.fileno()).st_size
            if not size:
                return _Heard("sound-empty", "the file is empty")
            head = os.pread(file.fileno(), 8, 0)
            mark = (size & 0xFFFFFFFF) << 32 | zlib.crc32(os.pread(file.fileno(), 4096, size // 2))
            suffix = os.path.splitext(path)[1].lower()  # noqa: PTH122
            if suffix not in _OPENED:
                return _Heard(mark=mark)
            whole = int.from_bytes(head[4:], "little") + 8
            if head[:4] == b"RIFF" and whole < 1 << 32 and whole > size + 1:  # one may be padding
                return _Heard("sound-cut-off", f"the file has {size:,} of {whole:,} bytes")
            with soundfile.SoundFile(file.fileno(), closefd=False) as sound:
                return _listen(sound, kind, mark, whole=listen, check_end=suffix == ".flac")
    except OSError as error:
        return _Heard("sound-unreadable", f"it can't be opened ({(error.strerror or str(error)).lower()})")
    except soundfile.LibsndfileError as error:
        reason = " ".join(error.error_string.split()).rstrip(".")
        return _Heard("sound-unreadable", f"it can't be read ({reason[:1].lower()}{reason[1:]})")


def _listen(sound: soundfile.SoundFile, kind: AudioKind, mark: int, *, whole: bool, check_end: bool) -> _Heard:
    """Read an open file: whole, or until it is loud.

    Raises:
        LibsndfileError: it is damaged.
    """
    length_ms = sound.frames * 1000 / sound.samplerate
    if not sound.frames:
        return _Heard("sound-empty", "the file holds no sample")
    if check_end and not _has_end(sound):  # the header of such a file says what was there before it was cut
        return _Heard("sound-cut-off", f"the sound ends before its {length_ms / 1000:.1f} s are over")
    frames = max(1, _BLOCK // sound.channels)
    loud = kind not in LISTENED_TO  # where there is neither music nor noise, nothing is left of the mix
    read = 0
    while (whole or not loud) and len(block := sound.read(frames, dtype="float32", always_2d=True)):
        read += len(block)
        loud = loud or bool(np.abs(block).max() > _SILENT)
    if read < sound.frames and (whole or not loud):
        return _Heard("sound-cut-off", f"{read / sound.samplerate:.1f} s of {length_ms / 1000:.1f} s can be read")
    if not loud:
        return _Heard("sound-silent", f"nothing is heard in {length_ms / 1000:.1f} s")
    return _Heard(length_ms=length_ms, mark=mark)


def _has_end(sound: soundfile.SoundFile) -> bool:
    try:
        sound.seek(sound.frames - 1)
        there = len(sound.read(1)) == 1
        sound.seek(0)
    except soundfile.LibsndfileError:
        return False
    return there

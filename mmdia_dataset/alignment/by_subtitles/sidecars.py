"""All subtitles of a recording: the text tracks inside it and the subtitle files beside it.

A file belongs to a film if it is named like it (``film.srt``, ``film.en.forced.srt``), there or in a folder such as
``Subs``, or if the film is the only one there and no file is named like it. Whether the words are the movie's is not
asked here. Files are untrusted: they are read up to a size, as text only, and never through links out of the folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pysubs2

from mmdia_dataset.alignment.by_subtitles.encodings import text_of
from mmdia_dataset.errors import MediaError, NoVideo, shown
from mmdia_dataset.media import Cue, SubtitleTrack, probe, text_tracks
from mmdia_dataset.timing import MAX_MS

__all__ = ["subtitle_tracks"]

Problems = Callable[[str], None]

_FORMATS = {
    ".srt": "srt",
    ".ass": "ass",
    ".ssa": "ssa",
    ".vtt": "vtt",
    ".sub": "microdvd",
    ".smi": "sami",
    ".sami": "sami",
    ".txt": None,
}
_GUESSED = ("srt", "ass", "ssa", "vtt", "microdvd", "sami", "mpl2", "tmp")
_FOLDERS = ("sub", "subs", "subtitle", "subtitles")
_FILMS = frozenset(
    (
        *(".avi", ".divx", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".ogm"),
        *(".ogv", ".ts", ".vob", ".webm", ".wmv", ".flac", ".m4a", ".mka", ".mp3", ".ogg", ".opus", ".wav"),
    )
)
_LARGEST = 20 * 1024 * 1024  # bytes of a file
_MOST_FILES = 64
_MOST_ENTRIES = 20_000  # names looked at in one folder
_MOST_CUES = 100_000
_SAMPLE = 64 * 1024  # characters by which a format is told
_LONGEST_TEXT = 10_000
_ASIDE = frozenset(("forced", "sdh", "cc", "default", "full", "foreign", "commentary"))
_LINKED_PICTURES = b"\x00\x00\x01\xba"  # how a VobSub .sub begins, pictures of text
_NAMES = {
    "english": "en",
    "french": "fr",
    "german": "de",
    "spanish": "es",
    "italian": "it",
    "portuguese": "pt",
    "brazilian": "pt",
    "dutch": "nl",
    "czech": "cs",
    "polish": "pl",
    "russian": "ru",
    "japanese": "ja",
    "chinese": "zh",
    "korean": "ko",
    "swedish": "sv",
    "danish": "da",
    "norwegian": "no",
    "finnish": "fi",
    "hungarian": "hu",
    "turkish": "tr",
    "arabic": "ar",
    "hebrew": "he",
    "greek": "el",
}
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z]{2,4})?", re.IGNORECASE)


def subtitle_tracks(path: Path, problems: Problems | None = None) -> list[SubtitleTrack]:
    """The text tracks in a recording and the subtitle files beside it, cues in recording time.

    Args:
        path: the recording.
        problems: called with one sentence for each track or file that can't be used, and why.

    Returns:
        Tracks inside first, then files by name. Files without cues are left out. Empty if there are none.
    """
    report = problems or (lambda sentence: None)
    tracks: list[SubtitleTrack] = []
    try:
        tracks += text_tracks(path, report)
    except MediaError as error:
        report(str(error))
    for file in _beside(Path(path), report):
        track = _read(file, Path(path), report)
        if track is not None:
            tracks.append(track)
    return tracks


def _beside(film: Path, report: Problems) -> list[Path]:
    """The subtitle files that belong to a film."""
    names = _names(film.parent, report)
    films = [name for name in names if Path(name).suffix.lower() in _FILMS]
    others = [Path(name).stem.lower() for name in films if name != film.name]
    stem = film.stem.lower()
    folders = [film.parent / name for name in names if name.lower() in _FOLDERS]
    folders += [folder / name for folder in folders for name in _names(folder, report) if name.lower() == stem]
    files = [film.parent / name for name in names]
    files += [folder / name for folder in folders if folder.is_dir() for name in _names(folder, report)]
    files = [file for file in files if file.suffix.lower() in _FORMATS]
    belonging = [file for file in files if _named_like(file, stem, others) or file.parent.parent in folders]
    if not belonging and not others:
        belonging = [file for file in files if file.suffix.lower() != ".txt"]
    if len(belonging) > _MOST_FILES:
        report(f"{shown(film.parent)}: more than {_MOST_FILES} subtitle files; only the first by name are read.")
    return sorted(set(belonging))[:_MOST_FILES]


def _names(folder: Path, report: Problems) -> list[str]:
    """The names in a folder; an empty list if it can't be read."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in islice(entries, _MOST_ENTRIES)]
    except NotADirectoryError:
        return []
    except OSError as error:
        report(f"{shown(folder)}: the folder can't be read ({error.strerror}).")
        return []
    return sorted(name for name in names if not name.startswith("."))


def _named_like(file: Path, stem: str, others: list[str]) -> bool:
    """Whether a file is named like the film, and not still more like another film there."""
    name = file.stem.lower()

    def like(film: str) -> bool:
        return name == film or (name.startswith(film) and name[len(film)] in ".-_ [(")

    return like(stem) and not any(len(other_stem) > len(stem) and like(other_stem) for other_stem in others)


def _read(file: Path, film: Path, report: Problems) -> SubtitleTrack | None:
    """The cues of one file; None, with a report of why, if it has none that can be read."""
    try:
        if not file.resolve().is_relative_to(film.parent.resolve()):
            report(f"{shown(file)}: the file is a link out of the film's folder, so it is not read.")
            return None
        if not file.is_file():
            return None
        with file.open("rb") as opened:
            data = opened.read(_LARGEST + 1)
    except OSError as error:
        report(f"{shown(file)}: the file can't be read ({error.strerror}).")
        return None
    if len(data) > _LARGEST:
        report(f"{shown(file)}: the file is larger than {_LARGEST >> 20} MB, so it is not read.")
        return None
    if data.startswith(_LINKED_PICTURES):
        report(f"{shown(file)}: the file holds pictures of text; words can't be read from them.")
        return None
    text = text_of(data)
    if text is None:
        report(f"{shown(file)}: the encoding is unknown, or this is not text; save the file as UTF-8.")
        return None
    cues = _cues(text, file, film, report)
    return SubtitleTrack(file.name, _language(file, film), cues) if cues else None


def _cues(text: str, file: Path, film: Path, report: Problems) -> tuple[Cue, ...]:
    """The cues of a file's text: in the format its name says, or else in the one it looks like."""
    for kind in dict.fromkeys([_FORMATS[file.suffix.lower()], *_looks_like(text)]):
        if kind is None:
            continue
        try:
            events = _parsed(text, kind, film)
        except MediaError as error:
            report(f"{shown(file)}: its times are counted in frames, but the frame rate is unknown ({error})")
            return ()
        # The parser meets whatever a stranger wrote; a file it stumbles over is left out, whatever the error.
        except Exception:  # noqa: S112
            continue
        cues = [
            Cue(event.start, max(event.end, event.start + 1), event.plaintext[:_LONGEST_TEXT])
            for event in islice(events, _MOST_CUES)
            if not event.is_comment and not event.is_drawing and 0 <= event.start < MAX_MS and event.text.strip()
        ]
        if cues:
            return tuple(sorted(cues, key=lambda cue: (cue.start_ms, cue.end_ms)))
    report(f"{shown(file)}: no subtitles can be read from it.")
    return ()


def _parsed(text: str, kind: str, film: Path) -> pysubs2.SSAFile:
    try:
        return pysubs2.SSAFile.from_string(text, format_=kind)
    except pysubs2.exceptions.UnknownFPSError:
        video = probe(film).video
        if video is None or video.frame_rate is None:
            raise NoVideo("the recording has no picture", where=film) from None
        return pysubs2.SSAFile.from_string(text, format_=kind, fps=float(video.frame_rate))


def _looks_like(text: str) -> list[str]:
    """The formats a text may be in, by its beginning."""
    head = text[:_SAMPLE]
    return [kind for kind in _GUESSED if pysubs2.formats.get_format_class(kind).guess_format(head) == kind]


def _language(file: Path, film: Path) -> str | None:
    """The language a file's name ends in: ``film.en.srt``, ``film.pt-BR.forced.srt``, ``2_English.srt``."""
    stem = file.stem
    if stem.lower().startswith(film.stem.lower()):
        stem = stem[len(film.stem) :]
    parts = [part.lower() for part in re.split(r"[.\s_()\[\]]+", stem) if part]
    for part in reversed(parts):
        if part in _ASIDE:
            continue
        if part in _NAMES:
            return _NAMES[part]
        return part if _LANGUAGE.fullmatch(part) and len(part.split("-")[0]) in (2, 3) else None
    return None

"""Every reason why a dialogue gets no clip: its name, how bad it is, what it means and what to do.

`docs/refusals.md` is written from this table, and what a command prints under ``next:`` comes from it. A step is a
sentence; the commands in it stand between backticks, with {release}, {media} and {out} for the folders of the run.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum

__all__ = ["Refusal", "RefusalSeverity", "faults_in", "ways_out"]


class RefusalSeverity(StrEnum):
    """Who can do something about a refusal. Only a fault makes a command end with exit code 1."""

    YOURS = "yours to provide"
    EDITION = "another edition"
    FAULT = "fault"


_YOURS, _EDITION, _FAULT = RefusalSeverity

_LOCATE = "`mmdia locate --release {release} --media {media}` (which file is taken for which movie)"
_ALIGN = "`mmdia align --release {release} --media {media} --out editions` (a plot of what your film has and lacks)"
_MAP = 'name the file in media.toml: `tt0114388 = "film.mkv"`'
_OFFSET = 'say in media.toml where the movie starts in it: `tt0114388 = { path = "film.mkv", offset_ms = 0 }`'
_FORGET = "delete the edition file (.json) that the earlier run wrote for this movie, and run again"
_SUBTITLES = f"put the film's subtitles beside it as film.srt, {_FORGET}"
_AS_IS = "if your file is the one that was annotated, add `--as-is` to `mmdia rebuild` or `mmdia pack`, or " + _OFFSET
_PASSPORT = (
    "a passport decides it: the owner of the annotated film makes one with "
    "`mmdia fingerprint --release {release} --media {media} --out {release}/passports`"
)
_EDITIONS = "if somebody else has measured the same file, use their edition files: `--editions FOLDER`"
_EXACT_FILE = "if you are sure that it is the right film, " + _OFFSET
_OTHER_COPY = "play the film there; if it is damaged, copy it again from the source"
_AGAIN = "run the same `mmdia rebuild` again: it makes this clip again"


class Refusal(StrEnum):
    """Why a dialogue gets no clip, or none as it was asked for."""

    severity: RefusalSeverity
    sentence: str
    steps: tuple[str, ...]
    """What to do, the likeliest first."""

    NO_RECORDING = (
        "no-recording",
        _YOURS,
        "None of your files is named after this movie.",
        _LOCATE,
        "put the IMDb id, or title and year, into the files' names, or list them in media.toml",
    )
    RECORDING_IN_PARTS = (
        "recording-in-parts",
        _YOURS,
        "You have this movie in several files, but it must be one file.",
        'join the files into one and name that in media.toml: `tt0114388 = "film.mkv"`',
    )
    AMBIGUOUS_NAME = (
        "ambiguous-name",
        _YOURS,
        "The names of your files do not tell which of them is this movie.",
        _MAP,
    )
    OTHER_EPISODES = (
        "other-episodes",
        _YOURS,
        "Your file holds more or fewer episodes than this movie.",
        'name in media.toml a file that holds exactly these episodes: `tt0114388 = "episode.mkv"`',
    )
    NO_MOVIE_TIME = (
        "no-movie-time",
        _YOURS,
        "The annotations do not say when in the movie this dialogue is.",
        "get the release's sound too (its folder `audio`, decoded with `mmdia decode`): dialogues are found by it",
        "use the annotations with absolute times, or ask the curator for them",
        "`mmdia validate {release}` (which dialogues these are: rule `no-movie-times`)",
    )
    TOO_LITTLE_EVIDENCE = (
        "too-little-evidence",
        _YOURS,
        "The sound and the subtitles of your film are not enough to tell where this dialogue is.",
        _SUBTITLES,
        _AS_IS,
        _PASSPORT,
        _EDITIONS,
    )
    SUBTITLES_OFF = (
        "subtitles-off",
        _YOURS,
        "The subtitles of your film do not match its sound. They may belong to another edition.",
        f"put subtitles of your own edition beside the film, {_FORGET}",
        _AS_IS,
        _PASSPORT,
    )
    EVIDENCE_DISAGREES = (
        "evidence-disagrees",
        _YOURS,
        "Two measurements give different times for this dialogue, and it is unknown which one is right.",
        _PASSPORT,
        _SUBTITLES,
        _EXACT_FILE,
    )
    NO_CLIP = (
        "no-clip",
        _YOURS,
        "The built directory has no clip of this dialogue in a mode that others have.",
        "run `mmdia rebuild` with the `--mode` that is missing, or choose with `--modes` which clips to pack",
    )
    NO_SOUND = (
        "no-sound",
        _YOURS,
        "The release has no sound of this dialogue.",
        "put its decoded sound into the folder audio/ of the release",
        "run `mmdia rebuild` with `--mode audio` and your films, and pack what it makes",
    )
    ABSENT = (
        "absent",
        _EDITION,
        "Your edition does not have this dialogue.",
        "get an edition of the film that has it, and put that into your films folder beside the one you have",
        _ALIGN,
    )
    SPLICE = (
        "splice",
        _EDITION,
        "In your edition, something is cut out of this dialogue or added to it.",
        "get an edition of the film that has it whole, and put that into your films folder beside the one you have",
        _ALIGN,
    )
    OTHER_LANGUAGE = (
        "other-language",
        _EDITION,
        "The voices are in another language: your file is a dub.",
        "use a file with the original sound, or choose its track with `--language`",
        _EXACT_FILE,
        _SUBTITLES,
    )
    OTHER_MOVIE = (
        "other-movie",
        _EDITION,
        "The sound or the subtitles of your file belong to another film.",
        "put the right film into your films folder, or name it in media.toml",
        _EXACT_FILE,
    )
    OUTSIDE_RECORDING = (
        "outside-recording",
        _FAULT,
        "The dialogue lies before the beginning or after the end of your file.",
        "check that the file is complete, and that its `offset_ms` in media.toml is right, if you gave one",
        _ALIGN,
    )
    EMPTY_SPAN = (
        "empty-span",
        _FAULT,
        "No frame or sample lies between the start and the end of the dialogue.",
        "tell the curator of the annotations that these times are wrong",
        "`mmdia validate {release}` (whether more times are wrong)",
    )
    NO_AUDIO = (
        "no-audio",
        _FAULT,
        "Your file has no sound that can be read, but sound is needed.",
        "use a file with sound",
        "if your file is the annotated edition, add `--as-is`: only its picture is cut",
    )
    NO_VIDEO = (
        "no-video",
        _FAULT,
        "Your file has no picture, and the mode you chose needs one.",
        "use a file with a picture, or add `--mode audio` to `mmdia rebuild` or `mmdia pack`",
    )
    UNSUPPORTED_CODEC = (
        "unsupported-codec",
        _FAULT,
        "The mode you chose can't store the picture or the sound of your file.",
        "add `--mode encode` to `mmdia rebuild` or `mmdia pack`",
        "if that does not help, convert the film into a common format, such as Matroska with H.264 and AAC",
    )
    UNREADABLE_RECORDING = (
        "unreadable-recording",
        _FAULT,
        "Your file can't be opened as a film.",
        "play it; if it can't be played, copy it again from the source",
    )
    DAMAGED = (
        "damaged",
        _FAULT,
        "Your file is broken where this dialogue is.",
        _OTHER_COPY,
    )
    WORKER_DIED = (
        "worker-died",
        _FAULT,
        "The process that worked on this dialogue ended early: it ran out of memory, or the film made it crash.",
        "run the same command again; if it happens again, with `--jobs 1`",
    )
    CLIP_ALTERED = (
        "clip-altered",
        _FAULT,
        "The clip's file was changed after it was made.",
        _AGAIN,
    )
    CLIP_UNREADABLE = (
        "clip-unreadable",
        _FAULT,
        "The clip's file can't be read.",
        _AGAIN,
    )

    def __new__(cls, rule: str, severity: RefusalSeverity, sentence: str, *steps: str) -> Refusal:
        """A member of the table: a string, with what is known of it."""
        member = str.__new__(cls, rule)
        member._value_ = rule
        member.severity = severity
        member.sentence = sentence
        member.steps = steps
        return member

    @classmethod
    def _missing_(cls, value: object) -> Refusal | None:
        """Names that files of earlier versions have."""
        return cls.SPLICE if value == "splice-inside" else None

    def ways(self, after: str = "", **folders: object) -> tuple[str, ...]:
        """What to do, with the folders of a run filled in.

        Args:
            after: the command that was just run. What it would only say again is left out.
            folders: `release`, `media` and `out`; those not given stay as words in capitals.
        """
        named = {name: str(folders.get(name) or name.upper()) for name in ("release", "media", "out")}
        useful = [step for step in self.steps if not (after and step.startswith(f"`mmdia {after} "))]
        return tuple(re.sub(r"\{(release|media|out)\}", lambda match: named[match[1]], step) for step in useful)


def faults_in(refused: Mapping[Refusal, int]) -> int:
    """How many of the clips refused, counted by rule, are faults: the recording or the annotations are to blame."""
    return sum(count for rule, count in refused.items() if rule.severity is RefusalSeverity.FAULT)


def ways_out(refused: Mapping[Refusal, int], after: str, **folders: object) -> tuple[str, ...]:
    """What to do about the most frequent of some refusals, as in `Refusal.ways`; nothing if there are none."""
    commonest = Counter(refused).most_common(1)
    return commonest[0][0].ways(after, **folders) if commonest else ()

"""What readers report, and what is reported of a release's sound: every rule by name, and the issues made of them.

A reader reports a warning where it had to interpret, and an error where it could not read. To keep reports short, a
rule is reported once per dialogue: at its first place, with the number of places.
"""

from __future__ import annotations

from mmdia_dataset.errors import shown
from mmdia_dataset.schema import Issue, Severity

__all__ = ["RULES", "EntryError", "Notes", "make_issue"]

_E: Severity = "error"
_W: Severity = "warning"
_N: Severity = "note"
_MEND = "correct the file; all other files are read anyway"
_FILE = "get the file again from its source"
_LOOK = "check the line against the film"
_HEAR = "listen to it; align the release with a film to be sure"

_TABLE: dict[str, tuple[Severity, str, str]] = {
    # Discovery.
    "not-annotations": (_W, "A JSON or Parquet file without annotations is ignored.", "move it elsewhere"),
    "other-dialect": (
        _W,
        "Only the richest dialect in a folder is read; files of other dialects are ignored.",
        "give their subfolder to read them instead",
    ),
    "other-splits": (
        _W,
        "Only one splits file is used: `splits.json`, else the one with the most ids.",
        "remove or move the other one",
    ),
    "unknown-split": (_W, "A list in the splits file has an unknown split name.", "use one of the known names"),
    "bad-split-id": (_E, "An entry in a split is not a valid id.", "correct or remove the entry"),
    "bad-passport": (
        _E,
        "A file in passports/ is not a valid passport, or belongs to another movie.",
        "get it again from the curator",
    ),
    "outside-release": (
        _W,
        "A link leads outside the release folder; it is not followed.",
        "copy the files it leads to",
    ),
    # Whole files.
    "unreadable": (_E, "A file can't be opened.", "check its permissions and the disk"),
    "not-json": (_E, "A file, or a line of a JSONL file, is not JSON.", _MEND),
    "truncated": (_E, "A JSON file ends too early.", _FILE),
    "wrong-encoding": (_E, "A file is not UTF-8.", "save it as UTF-8"),
    "wrong-shape": (_E, "A file or an entry does not have the structure of its dialect.", _MEND),
    "bad-parquet": (_E, "A Parquet file is damaged, or has the wrong columns.", _FILE),
    "unsafe-id": (_E, "A movie id or dialogue id can't be used as a file name.", "correct the id"),
    "movie-in-two-files": (_W, "Two files of a batch describe the same movie.", "merge them, or correct the movie id"),
    # Dialogues.
    "no-clip-id": (_E, "A dialogue has no usable number, so it has no id.", "add `clip_id`, a whole number from 0"),
    "bad-dialogue": (_E, "A dialogue does not fit the schema.", "correct the value"),
    "too-deep": (_E, "The JSON is nested deeper than 150 levels.", "remove the value"),
    "not-unicode": (
        _E,
        "A text holds half of a surrogate pair, which can't be stored in a file.",
        "correct the escape \\uD8xx",
    ),
    # Speakers and lines.
    "missing-speakers": (_W, "A dialogue has no usable list of speakers.", "add `speaker`, a list of names"),
    "bad-speaker": (_W, "An entry of the speaker list is not text.", "write names as text"),
    "speaker-not-listed": (
        _W,
        "A line names a speaker who is not in the speaker list; the speaker is added.",
        "add the speaker to the list, or correct the line",
    ),
    "line-without-speaker": (_W, "A line has words before the first speaker's name.", "name the speaker"),
    "missing-annotation": (_W, "A line has no annotation; its subtitle text is used.", "annotate the line"),
    "no-words": (_W, "A line has neither words nor sounds.", _LOOK),
    "background-music": (_W, "`Background music` is read as a sound, not as a speaker.", "write it as `<music>`"),
    "bad-cue": (_W, "A line is not a JSON object; it becomes an empty turn.", _LOOK),
    "cue-number": (_W, "A line's number is missing or invalid; its place in the list is used.", "number the line"),
    # Times.
    "missing-times": (
        _W,
        "A line has no times; it is placed at the end of the line before, with no length.",
        "add the times",
    ),
    "bad-time": (_W, "A time can't be read; it counts as missing.", "write HH:MM:SS,mmm"),
    "no-movie-times": (
        _W,
        "A dialogue does not say when it happens in the movie, so no clip can be cut.",
        "use the files with absolute times",
    ),
    # Style.
    "tags-not-three": (
        _W,
        "The tags are not three texts; the first three are used.",
        "write relationship, interaction mode and tone",
    ),
    "raw-summary": (_W, "A summary is raw model output; the text in it is used.", "write the summary as plain text"),
    "description-not-text": (_W, "A description is not one text; its parts are joined.", "write it as one text"),
    "unknown-label": (
        _W,
        "A label is not in the vocabulary; it is kept as free text.",
        "use a label of the vocabulary",
    ),
    "bad-score": (_W, "Intensity or volatility is not a number from 1 to 10; it is ignored.", "correct the number"),
    "unknown-visibility": (
        _W,
        "A visibility value can't be understood; it counts as `unknown`.",
        "use on_screen, partly or off_screen",
    ),
    "bad-style": (_W, "A style annotation has an unknown structure; it is ignored.", "correct its structure"),
    # Sound.
    "no-sound": (
        _N,
        "Dialogues have no sound, although the release has sound; reported once per movie.",
        "get the missing files, if there are any; films have the sound too",
    ),
    "sound-not-decoded": (
        _N,
        "Dialogues have encoded sound that was not decoded yet.",
        "run `mmdia decode RELEASE --weights FILE`",
    ),
    "sound-empty": (_E, "A file of sound or video holds nothing.", _FILE),
    "sound-unreadable": (_E, "A sound file can't be read.", _FILE),
    "sound-cut-off": (_E, "A sound file ends before the place that its header says.", _FILE),
    "sound-too-short": (_W, "A dialogue's sound is too short to hold a word.", _FILE),
    "sound-silent": (_W, "A dialogue's sound is silent.", "use another of its files, or get it again"),
    "sound-length": (_W, "A dialogue's sound is not as long as its span.", _HEAR),
    "sound-fits-another": (
        _W,
        "A dialogue's sound is as long as another dialogue of the movie, and not as long as its own span.",
        _HEAR,
    ),
    "sound-repeated": (
        _W,
        "Two dialogues have the same sound, byte for byte.",
        "listen to it, and get the other's sound again",
    ),
    "sound-of-two": (
        _W,
        "A file's name fits dialogues of two movies; all of them get it.",
        "put it into a folder named after its movie",
    ),
    "sound-unclaimed": (
        _W,
        "A file of sound or video belongs to no dialogue; it is ignored.",
        "correct its name, or get the annotations of its dialogue",
    ),
}

RULES: dict[str, str] = {rule: demand for rule, (_, demand, _) in _TABLE.items()}
"""Every rule of the readers and of sound, with a sentence that says what it reports."""


def make_issue(rule: str, file: str | None, path: str, message: str, hint: str | None = None) -> Issue:
    """An issue of a known rule, with the rule's severity and, unless another is given, its hint."""
    severity, _, usual = _TABLE[rule]
    return Issue(
        severity=severity, rule=rule, file=_plain(file), path=_plain(path) or "$", message=message, hint=hint or usual
    )


def _plain(text: str | None) -> str | None:
    return text if text is None or text.isascii() else shown(text, 1000)


class EntryError(Exception):
    """One entry (or file) can't be read; the others can."""

    def __init__(self, rule: str, message: str, at: str = "", hint: str | None = None) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.at = at
        self.hint = hint


class Notes:
    """Collects what was interpreted in one entry. Costs nothing until something is added."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: dict[str, list[tuple[str, str]]] = {}

    def add(self, rule: str, message: str, path: str = "") -> None:
        """Note a rule at a place given relative to the entry, such as ``.srt[2]``."""
        self._found.setdefault(rule, []).append((message, path))

    def issues(self, file: str, path: str) -> tuple[Issue, ...]:
        """One issue per rule, at its first place."""
        if not self._found:
            return ()
        issues = []
        for rule, places in self._found.items():
            message, place = places[0]
            if len(places) > 1:
                message = f"{message} (and {len(places) - 1} more like it in this dialogue)"
            issues.append(make_issue(rule, file, f"{path}{place}", message))
        return tuple(issues)

"""What readers report: every rule by name, and the issues made of them.

A reader says where it had to interpret (a warning) and what it could not read (an error). To keep reports short, a rule
is reported once per dialogue: at its first place, with the number of places.
"""

from __future__ import annotations

from mmdia_dataset.errors import shown
from mmdia_dataset.schema import Issue, Severity

__all__ = ["RULES", "EntryError", "Notes", "make_issue"]

_E: Severity = "error"
_W: Severity = "warning"
_MEND = "correct the file, or leave it: the other files are read"
_FILE = "get the file again from where it came"
_LOOK = "check the line against the film"

_TABLE: dict[str, tuple[Severity, str, str]] = {
    # Discovery.
    "not-annotations": (_W, "A JSON or Parquet file that holds no annotations is left out.", "move it elsewhere"),
    "other-dialect": (_W, "Files of a poorer dialect than the one used are left out.", "point at their subfolder"),
    "other-splits": (
        _W,
        "Only one splits file is used: `splits.json`, else the one with most ids.",
        "remove or move the other",
    ),
    "unknown-split": (_W, "A list in the splits file has no known split name.", "name it as one of the known splits"),
    "bad-split-id": (_E, "An entry of a split is no id.", "correct or drop the entry"),
    "bad-passport": (_E, "A file in passports/ is no passport, or another movie's.", "get it anew from the curator"),
    "outside-release": (_W, "A link that leads outside the release folder is not followed.", "copy what it leads to"),
    # Whole files.
    "unreadable": (_E, "A file can't be opened.", "check its permissions and the disk"),
    "not-json": (_E, "A file, or a line of JSONL, is not JSON.", _MEND),
    "truncated": (_E, "A JSON file ends before its end.", _FILE),
    "wrong-encoding": (_E, "A file is not UTF-8.", "save it as UTF-8"),
    "wrong-shape": (_E, "A file or an entry is JSON of another shape than its dialect's.", _MEND),
    "bad-parquet": (_E, "A Parquet file is damaged, or has other columns.", _FILE),
    "unsafe-id": (_E, "A movie or dialogue id could not be a file name.", "correct the id"),
    "movie-in-two-files": (_W, "Two files of a batch are about one movie.", "join them, or correct the movie's id"),
    # Dialogues.
    "no-clip-id": (_E, "A dialogue has no usable number, hence no id.", "add `clip_id`, a number from 0"),
    "bad-dialogue": (_E, "A dialogue breaks the schema.", "correct the value named"),
    "too-deep": (_E, "JSON is nested deeper than 150 levels.", "remove the value"),
    "not-unicode": (_E, "Text holds half of a surrogate pair, which no file can store.", "correct the escape \\uD8xx"),
    # Speakers and lines.
    "missing-speakers": (_W, "A dialogue has no usable list of speakers.", "add `speaker`, a list of names"),
    "bad-speaker": (_W, "An entry of the speaker list is no text.", "write names as text"),
    "speaker-not-listed": (_W, "A line names a speaker whom the list lacks; it is added.", "add it, or mend the line"),
    "line-without-speaker": (_W, "Words stand in a line before any speaker's name.", "name the speaker"),
    "missing-annotation": (_W, "A line has no annotation; its subtitle text is used.", "annotate the line"),
    "no-words": (_W, "A line has neither words nor sounds.", _LOOK),
    "background-music": (_W, "`Background music` is taken as a sound, not as a speaker.", "write it as `<music>`"),
    "bad-cue": (_W, "A line is no object; it is kept as an empty turn.", _LOOK),
    "cue-number": (_W, "A line's number is missing or unusable; its place in the list is used.", "number the line"),
    # Times.
    "missing-times": (_W, "Lines lack times; they are placed after the line before, without length.", "add the times"),
    "bad-time": (_W, "A time can't be read; it counts as missing.", "write HH:MM:SS,mmm"),
    "no-movie-times": (
        _W,
        "A dialogue does not say when in the movie it is; its timeline is its own, and it can't be cut.",
        "use the files with absolute times",
    ),
    # Style.
    "tags-not-three": (_W, "Tags are not three texts; the first three count.", "write relationship, mode, tone"),
    "raw-summary": (_W, "A summary is raw model output; what it holds is used.", "write the summary as plain text"),
    "description-not-text": (_W, "A description is not one text; its parts are joined.", "write it as one text"),
    "unknown-label": (_W, "A label is not of the closed list; it is kept as free text.", "use one of the list"),
    "bad-score": (_W, "Intensity or volatility is no number from 1 to 10; it is left out.", "correct the number"),
    "unknown-visibility": (_W, "A visibility can't be understood; it counts as unknown.", "use on_screen, off_screen"),
    "bad-style": (_W, "A style annotation has another shape than any known; it is left out.", "correct its shape"),
}

RULES: dict[str, str] = {rule: demand for rule, (_, demand, _) in _TABLE.items()}
"""Every rule of the readers, with one sentence on what it reports."""


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

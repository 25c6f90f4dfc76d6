"""The line grammar, both ways: ``Anna: Hello? <phone rings> Man: Anna?``.

    line   = { sound } { [ name ":" ] { words | sound } }
    sound  = "<" anything without "<" or ">" ">"

Only a name of the dialogue's speaker list starts a speaker, or one that stands first in the line; the longest name that
fits wins, and never one inside another word. A colon elsewhere belongs to the words. A sound's offset is the number of
characters of the turn's text before it; pieces of text around sounds are joined by single spaces. A sound before the
line's first name belongs to nobody and to that turn; it is written back before the name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from mmdia_dataset.release.rules import Notes
from mmdia_dataset.timing import Span

__all__ = ["MUSIC", "Cast", "TextPart", "parse_line", "parse_words", "render_line", "render_words", "without_markup"]

MUSIC = "Background music"
"""What the pipeline writes in a speaker's place where music plays; no speaker."""
_MUSIC = MUSIC.casefold()

_SOUND = re.compile(r"<\s*([^<>]*[^<>\s])\s*>")
_MARKUP = re.compile(r"</?(?:[ibus]|font)(?:\s[^<>]*)?>|\{\\[^{}]*\}", re.IGNORECASE)
_TAGS = frozenset({"i", "b", "u", "s", "/i", "/b", "/u", "/s", "/font"})
_SPACES = re.compile(r"\s+")
_FIRST = re.compile(r"\s*([^\W_](?:[^:<>?!\n]{0,46}[^\s:<>?!,;\n])?)\s*:(?=\s|\Z)")
_OWNER = re.compile(r"\s*[^\W\d_a-z][\w.]*['’]s\s+")  # Anna's mother, with a listed speaker called mother
_ABBREVIATED = re.compile(r"(?:\w|Dr|Mr|Mrs|Ms|St|Jr|Sr|Prof|Capt|Lt|Sgt|Col|Gen|Rev|No)\.\s")


class TextPart:
    """What one speaker says in one line: speaker index or None, words, and sounds as (sound, offset, speaker)."""

    __slots__ = ("sounds", "speaker", "text")

    def __init__(self, speaker: int | None, text: str = "", sounds: Iterable[tuple[str, int, int | None]] = ()) -> None:
        self.speaker = speaker
        self.text = text
        self.sounds = list(sounds)

    def turn(self, span: Span, cue: int) -> dict[str, Any]:
        """The part as a turn, ready to be validated."""
        sounds = [{"sound": sound, "offset": offset, "speaker": whose} for sound, offset, whose in self.sounds]
        return {"speaker": self.speaker, "span": span, "text": self.text, "cue": cue, "nonverbal": sounds}

    def say(self, words: str) -> None:
        """Append words."""
        self.text = f"{self.text} {words}" if self.text else words

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TextPart) and (self.speaker, self.text, self.sounds) == (
            other.speaker,
            other.text,
            other.sounds,
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Part({self.speaker!r}, {self.text!r}, {self.sounds!r})"


class Cast:
    """The speakers of one dialogue while it is read: the list as given, and those that only lines name."""

    __slots__ = ("_by_length", "given", "index", "names")

    def __init__(self, names: Sequence[str]) -> None:
        music = [name.casefold() == _MUSIC for name in names]
        # Where each entry of the list as given went; None for music, which is left out.
        self.given: list[int | None]
        if True in music:
            self.names = [name for name, is_music in zip(names, music, strict=True) if not is_music]
            places = iter(range(len(self.names)))
            self.given = [None if is_music else next(places) for is_music in music]
        else:
            self.names = list(names)
            self.given = list(range(len(names)))
        self.index: dict[str, int] = {}
        for place, name in enumerate(self.names):
            self.index.setdefault(name, place)
        self._by_length: list[str] | None = None

    @property
    def by_length(self) -> list[str]:
        """Every name that may start a speaker, longest first."""
        if self._by_length is None:
            self._by_length = sorted({MUSIC, *self.index} - {""}, key=len, reverse=True)
        return self._by_length

    def find(self, name: str) -> int | None:
        """The index of a name: as written, else the first that differs in case only."""
        index = self.index.get(name)
        if index is None:
            folded = name.casefold()
            index = next((place for listed, place in self.index.items() if listed.casefold() == folded), None)
        return index

    def add(self, name: str) -> int:
        """The index of a name, which is added if unknown."""
        index = self.find(name)
        if index is None:
            index = self.index[name] = len(self.names)
            self.names.append(name)
            self._by_length = None
        return index

    def named_in(self, sound: str) -> int | None:
        """Whom a sound such as ``Anna laughs`` names."""
        for name in self.by_length:
            if sound.startswith(name) and name in self.index and not sound[len(name) : len(name) + 1].isalnum():
                return self.index[name]
        return None


def without_markup(text: str) -> str:
    """A subtitle's words: without italics and position tags, on one line."""
    if "<" in text or "{" in text:
        text = _MARKUP.sub("", text)
    return _SPACES.sub(" ", text).strip()


def parse_words(text: str, speaker: int | None, cast: Cast) -> TextPart:
    """Words with sounds in them, of a speaker known already."""
    part = TextPart(speaker)
    for place, piece in enumerate(_SOUND.split(text)):
        if place & 1:
            if not _is_tag(piece):
                named = cast.named_in(piece)
                part.sounds.append((piece, len(part.text), speaker if named is None else named))
        elif words := piece.strip():
            part.say(words)
    return part


def _is_tag(sound: str) -> bool:
    return sound.lower() in _TAGS or sound.lower().startswith("font ")


def parse_line(line: str, cast: Cast, notes: Notes, path: str = "") -> list[TextPart]:
    """A line's parts, at least one. Names that stand first without being listed are added to the cast."""
    parts: list[TextPart] = []
    before: list[tuple[str, int, int | None]] = []  # sounds before anyone has spoken
    music = False

    def sound(text: str, *, of_nobody: bool = False) -> None:
        owner = cast.named_in(text)
        if parts:
            owner = parts[-1].speaker if owner is None and not of_nobody else owner
            parts[-1].sounds.append((text, len(parts[-1].text), owner))
        else:
            before.append((text, 0, owner))

    for place, piece in enumerate(_SOUND.split(line)):
        if place & 1:
            if not _is_tag(piece):
                sound(piece, of_nobody=music)
            continue
        for starts, speaker, words in _spoken(piece, cast, notes, path, first=not parts and not music):
            if starts:
                music = speaker is None
                if speaker is not None:
                    parts.append(TextPart(speaker))
                else:
                    notes.add("background-music", f"the line contains {MUSIC!r}", path)
            if music:
                if words or starts:
                    sound(f"{MUSIC}: {words}" if words else MUSIC, of_nobody=True)
            elif words:
                if not parts:
                    parts.append(TextPart(None))
                parts[-1].say(words)
    if not parts:
        return [TextPart(None, "", before)]
    parts[0].sounds[:0] = before
    return parts


def _spoken(piece: str, cast: Cast, notes: Notes, path: str, *, first: bool) -> list[tuple[bool, int | None, str]]:
    """A stretch without sounds as (a speaker starts here, who, words); None starts music."""
    stretches: list[tuple[bool, int | None, str]] = []
    starts, speaker, begin = False, None, 0
    colon = piece.find(":")
    while colon >= 0:
        hit = _name_before(piece, begin, colon, cast)
        if hit is None and first and not stretches and begin == 0 and (unlisted := _first_name(piece)) is not None:
            name, end = unlisted
            if end == colon + 1:
                hit = (0, name)
                if cast.find(name) is None and name != MUSIC:
                    notes.add("speaker-not-listed", f"the line's speaker {name!r} is not in the speaker list", path)
                    cast.add(name)
        if hit is not None:
            start, name = hit
            words = piece[begin:start].strip()
            if words or starts:
                stretches.append((starts, speaker, words))
            starts, begin = True, colon + 1
            speaker = None if name == MUSIC and name not in cast.index else cast.find(name)
        colon = piece.find(":", colon + 1)
    words = piece[begin:].strip()
    if words or starts:
        stretches.append((starts, speaker, words))
    return stretches


def _name_before(piece: str, begin: int, colon: int, cast: Cast) -> tuple[int, str] | None:
    """The listed name that ends at a colon, and where it starts."""
    if piece[colon + 1 : colon + 2].isdigit():  # at 10:30, with a speaker called 10
        return None
    end = colon
    while end > begin and piece[end - 1].isspace():
        end -= 1
    for name in cast.by_length:
        start = end - len(name)
        if start >= begin and piece.startswith(name, start):
            left = piece[start - 1] if start > begin else " "
            if not (left.isalnum() or left in "_'’#-" or (begin == 0 and _OWNER.fullmatch(piece, 0, start))):
                return start, name
    return None


def _first_name(piece: str) -> tuple[str, int] | None:
    """An unlisted name that stands first in the line, and where its colon ends."""
    match = _FIRST.match(piece)
    if match is None:
        return None
    name = match.group(1)
    unabbreviated = _ABBREVIATED.sub("", f"{name} ") if "." in name else name
    if name[0].islower() or ". " in unabbreviated.rstrip() or len(name.split()) > 6:
        return None
    return name, match.end()


def render_words(part: TextPart, skip: int = 0) -> str:
    """A part's words with its sounds, from the given sound on, at their places."""
    if len(part.sounds) <= skip:
        return part.text
    pieces, last = [], 0
    for sound, offset, _ in part.sounds[skip:]:
        offset = max(last, min(offset, len(part.text)))
        pieces += [part.text[last:offset].strip(), f"<{sound}>"]
        last = offset
    pieces.append(part.text[last:].strip())
    return " ".join(piece for piece in pieces if piece)


def render_line(parts: Iterable[TextPart], names: Sequence[str]) -> str:
    """The annotated line of a cue's parts."""
    pieces: list[Any] = []
    for part in parts:
        early = 0
        if part.speaker is not None and part.speaker < len(names):
            while early < len(part.sounds) and part.sounds[early][1:] == (0, None):
                pieces.append(f"<{part.sounds[early][0]}>")
                early += 1
            pieces.append(f"{names[part.speaker]}:")
        pieces.append(render_words(part, early))
    return " ".join(piece for piece in pieces if piece)

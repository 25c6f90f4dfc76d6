"""The story the demo film tells: who says what, how, and what the camera shows meanwhile.

In a line's words, ``*`` marks a word that carries weight and ``<…>`` a sound that is no word, standing where it is
heard. Annotations and voices are both made from these lines, so they can't disagree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["DIALOGUES", "MOODS", "Cue", "Dialogue", "Mood", "Turn"]


@dataclass(frozen=True)
class Mood:
    """How a line is said and what the face does.

    Attributes:
        pitch: semitones above the speaker's own pitch.
        melody: how far the pitch moves, 1 is matter-of-fact.
        pace: speed, 1 is normal.
        force: loudness in dB; a loud voice is also brighter.
        breath: how breathy the voice is, 0 to 1.
        tremor: how much the voice shakes, in semitones.
        brows: height of the inner brows, -1 angry to 1 worried.
        smile: -1 to 1.
        eyes: how far the eyes open, 1 is normal.
    """

    pitch: float = 0.0
    melody: float = 1.0
    pace: float = 1.0
    force: float = 0.0
    breath: float = 0.1
    tremor: float = 0.0
    brows: float = 0.0
    smile: float = 0.0
    eyes: float = 1.0


MOODS: dict[str, Mood] = {
    "calm": Mood(brows=0.1, smile=0.25),
    "worried": Mood(2.0, 1.3, 1.05, 2.0, 0.15, 0.15, brows=0.8, smile=-0.4, eyes=1.1),
    "weary": Mood(-1.5, 0.7, 0.92, -1.5, 0.3, brows=0.3, smile=-0.3, eyes=0.68),
    "puzzled": Mood(1.0, 1.3, 1.0, 0.0, brows=0.5, smile=-0.1, eyes=1.1),
    "alarmed": Mood(4.0, 1.6, 1.0, 4.0, 0.1, 0.25, brows=1.0, smile=-0.3, eyes=1.3),
    "wary": Mood(0.5, 1.2, 1.0, 1.0, brows=-0.5, smile=-0.35, eyes=0.85),
    "pleading": Mood(3.0, 1.5, 1.02, 4.0, 0.25, 0.4, brows=1.0, smile=-0.4, eyes=1.2),
    "firm": Mood(1.0, 1.1, 1.0, 3.0, 0.05, brows=-0.8, smile=-0.3, eyes=0.95),
    "grateful": Mood(0.0, 1.2, 0.94, -1.0, 0.35, 0.2, brows=0.7, smile=0.35),
    "merry": Mood(2.5, 1.5, 1.02, 1.0, 0.15, brows=0.3, smile=0.9, eyes=0.9),
    "gentle": Mood(-0.5, 1.0, 0.92, -2.0, 0.35, brows=0.4, smile=0.5, eyes=0.92),
}


@dataclass(frozen=True)
class Turn:
    """One speaker's words in a cue, and the mood they are said in."""

    speaker: str
    words: str
    mood: str

    @property
    def plain(self) -> str:
        """The words with their `<…>` sounds, without the marks of weight."""
        return self.words.replace("*", "")

    @property
    def subtitle(self) -> str:
        """The words as a subtitle prints them: no `<…>` sounds."""
        return re.sub(r"\s*<[^>]*>\s*", " ", self.plain).strip()


@dataclass(frozen=True)
class Cue:
    """One subtitle line: its turns, the silence before it, and the shot in which it is heard."""

    turns: tuple[Turn, ...]
    shot: str
    gap_ms: int = 340


@dataclass(frozen=True, kw_only=True)
class Dialogue:
    """One annotated dialogue and what the release says of it."""

    place: str
    cues: tuple[Cue, ...]
    tags: tuple[str, str, str]
    summary: str
    relationship: str
    interaction: str
    split: str
    lead_ms: int = 600

    @property
    def speakers(self) -> list[str]:
        """Who speaks, in order of first words."""
        return list(dict.fromkeys(turn.speaker for cue in self.cues for turn in cue.turns))


DIALOGUES: tuple[Dialogue, ...] = (
    Dialogue(
        place="room",
        cues=(
            Cue((Turn("Ada", "Tom! The *lamp is going *out again.", "worried"),), "room"),
            Cue((Turn("Tom", "<sighs> I *know, Ada. The *wind is too *strong.", "weary"),), "room_tom"),
            Cue(
                (Turn("Ada", "And the *boat?", "worried"), Turn("Tom", "*What boat?", "puzzled")),
                "room",
            ),
            # Her voice, his face: the speaker is not seen.
            Cue((Turn("Ada", "*There! A *light, out on the *water!", "alarmed"),), "room_tom_listens"),
        ),
        tags=("two keepers, old friends at work", "a warning meets weariness", "worry rising to alarm"),
        summary=(
            "Ada calls out quickly and high, her voice tight with worry. Tom sighs first, then answers low and slow, "
            "worn out and a little defensive. She presses him with a short, rising question; he is thrown and asks "
            "back, puzzled. At last she cries out, loud and trembling, and the weariness is gone from the room."
        ),
        relationship="Workplace",
        interaction="Questioning",
        split="train",
    ),
    Dialogue(
        place="room",
        cues=(
            Cue((Turn("Tom", "<knocks on the door> *Who is it?", "wary"),), "room_door"),
            Cue((Turn("Stranger", "*Please! Open the *door!", "pleading"),), "room", 300),
            Cue(
                (Turn("Ada", "*Nobody comes here at *night!", "alarmed"), Turn("Tom", "*Somebody has.", "firm")),
                "room",
                300,
            ),
            Cue((Turn("Stranger", "I *saw your light. It *saved my *life.", "grateful"),), "room_stranger", 1000),
            Cue((Turn("Ada", "Then sit *down, <laughs> and have some *tea!", "merry"),), "room_ada"),
        ),
        tags=("strangers on a stormy night", "a plea at the door and a welcome", "fear turning into relief"),
        summary=(
            "After three hard knocks Tom asks warily who is there. A young woman begs from behind the door, her voice"
            " high, muffled and shaking. Ada answers in alarm, fast and sharp; Tom cuts her short, low and firm. Once"
            " inside, the stranger speaks softly and breathily, close to tears, and Ada's fear breaks into a warm "
            "laugh."
        ),
        relationship="Social",
        interaction="Support Reassurance",
        split="train",
        lead_ms=600,
    ),
    Dialogue(
        place="gallery",
        cues=(
            Cue((Turn("Mara", "And you *keep it burning *every night?", "puzzled"),), "gallery"),
            Cue((Turn("Ada", "*Every night, for *forty years.", "calm"),), "gallery_ada"),
            Cue((Turn("Mara", "Were you *never *lonely?", "gentle"),), "gallery_mara", 600),
            Cue((Turn("Ada", "<laughs> Not *tonight, my friend.", "merry"),), "gallery", 700),
        ),
        tags=("new friends at dawn", "a quiet question and an honest answer", "tender and unhurried"),
        summary=(
            "The storm is over and both speak softly. Mara asks with open curiosity, her pitch rising; Ada answers "
            "evenly, with quiet pride. Mara's second question is slow and gentle, almost a whisper. Ada chuckles "
            "before she answers, and warmth spreads through her last words."
        ),
        relationship="Friends",
        interaction="Introspection Reflection",
        split="test",
        lead_ms=1200,
    ),
)

"""The demo film, drawn and spoken by our own code, and its release: something true to try everything on.

Two lighthouse keepers, a storm and a stranger. `make_demo_film` writes the film as a user would own it, and the
annotations as the upstream pipeline writes them (dialect 1), true to the film to the millisecond. The package holds
what it writes as data (`tools/make_demofilm.py`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mmdia_dataset.demofilm import MOVIE_ID, TITLE, film_path
from mmdia_dataset.files import write_text
from mmdia_dataset.timing import Span, format_timestamp

from .film import write_film
from .picture import frames
from .script import DIALOGUES, Dialogue
from .sounds import FILM_RATE, soundtrack
from .timeline import Timeline, timeline

__all__ = ["FRAME_RATE", "DrawnFilm", "make_demo_film", "write_release"]

FRAME_RATE = Fraction(24000, 1001)


@dataclass(frozen=True, slots=True)
class DrawnFilm:
    """What was made.

    Attributes:
        film: the film's file.
        release: the release's folder.
        duration_ms: how long the film is.
        frames: number of pictures.
        dialogues: number of dialogues annotated.
        cues: number of subtitle lines.
        turns: number of turns.
    """

    film: Path
    release: Path
    duration_ms: int
    frames: int
    dialogues: int
    cues: int
    turns: int


def make_demo_film(
    folder: Path,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
    *,
    dialogues: int = len(DIALOGUES),
    height: int = 360,
) -> DrawnFilm:
    """Draw the film and write its release; the same arguments give the same bytes.

    Args:
        folder: gets ``media/`` and ``release/``. What a run before this one wrote there is replaced.
        seed: changes what is left to chance, such as blinking, rain and the grain of the voices; not the timing.
        progress: called with the share done, 0 to 1.
        dialogues: how many of the story's dialogues to film, from the first.
        height: of the picture, even; its width is 16/9 of that.

    Raises:
        ValueError: `dialogues` or `height` is outside what the film has.
        OutputError: the files can't be written.
    """
    if not 1 <= dialogues <= len(DIALOGUES):
        raise ValueError(f"the film has 1 to {len(DIALOGUES)} dialogues, not {dialogues}")
    if height < 36 or height % 2:
        raise ValueError(f"the height is an even number of at least 36, not {height}")
    story = DIALOGUES[:dialogues]
    film = timeline(story)
    path, release = film_path(folder), folder / "release"
    count = int(-(-film.duration_ms * FRAME_RATE // 1000))
    if progress:
        progress(0.0)
    write_film(
        path,
        frame_rate=FRAME_RATE,
        frames=_counted(frames(film, FRAME_RATE, height, seed), count, progress),
        samples=soundtrack(film, seed),
        sample_rate=FILM_RATE,
        language="eng",
        title=TITLE,
        preset="ultrafast",
    )
    write_release(release, story, film)
    if progress:
        progress(1.0)
    return DrawnFilm(
        film=path,
        release=release,
        duration_ms=film.duration_ms,
        frames=count,
        dialogues=len(story),
        cues=sum(len(dialogue.cues) for dialogue in story),
        turns=len(film.acts),
    )


def _counted(
    pictures: Iterator[npt.NDArray[np.uint8]], count: int, progress: Callable[[float], None] | None
) -> Iterator[npt.NDArray[np.uint8]]:
    for number, picture in enumerate(pictures):
        if progress and number % 12 == 0:
            progress(number / count)
        yield picture


def write_release(release: Path, story: tuple[Dialogue, ...], film: Timeline) -> None:
    """Write the annotations of a story as it is filmed. Raises OutputError."""
    clips = [_clip(number, dialogue, film) for number, dialogue in enumerate(story)]
    splits: dict[str, list[str]] = {"train": [], "eval": [], "test": [], "hard": []}
    for number, dialogue in enumerate(story):
        splits[dialogue.split].append(f"{MOVIE_ID}_clip_{number}")
    _write_json(release / "json" / "movie" / f"{MOVIE_ID}.json", {"movie": MOVIE_ID, "clips": clips})
    _write_json(release / "splits.json", splits)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def _clip(number: int, dialogue: Dialogue, film: Timeline) -> dict[str, Any]:
    """One dialogue as the upstream pipeline writes it (dialect 1)."""
    lines = []
    origin = film.cues[number][0][1].start_ms
    index = 1 + sum(len(cues) for cues in film.cues[:number])
    for place, (cue, span) in enumerate(film.cues[number]):
        relative = Span(span.start_ms - origin, span.end_ms - origin)
        dash = "- " if len(cue.turns) > 1 else ""
        lines.append(
            {
                "index": index + place,
                "abs_start_time": format_timestamp(span.start_ms),
                "abs_end_time": format_timestamp(span.end_ms),
                "relative_start": format_timestamp(relative.start_ms),
                "relative_end": format_timestamp(relative.end_ms),
                "text": " ".join(f"{dash}{turn.subtitle}" for turn in cue.turns),
                "character_annotation": " ".join(f"{turn.speaker}: {turn.plain}" for turn in cue.turns),
            }
        )
    return {
        "clip_id": number,
        "source": "VLM",
        "key": "",
        "video_path": "",
        "srt": lines,
        "speaker": dialogue.speakers,
        "style_annotation": {"Tags": list(dialogue.tags), "Summary": dialogue.summary},
        "relationship": dialogue.relationship,
        "interaction_type": dialogue.interaction,
    }

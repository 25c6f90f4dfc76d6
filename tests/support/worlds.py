"""A small world to rebuild: two films that identify themselves, and a release in dialect 1 that speaks of three."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from mmdia_dataset.timing import format_timestamp
from tests.support import films

SPANS = {
    "tt0000001": [(200, 1400), (1000, 2750), (3003, 4900)],
    "tt0000002": [(40, 1500), (2000, 3999)],
    "tt0000003": [(0, 1000)],
}


@dataclass(frozen=True)
class World:
    """Folders of a world, and its films by movie id."""

    root: Path
    films: dict[str, films.Film]

    @property
    def release(self) -> Path:
        return self.root / "release"

    @property
    def media(self) -> Path:
        return self.root / "media"


def clip(number: int, start: int, end: int) -> dict:
    """A dialogue of two cues, as the pipeline writes it."""
    middle = (start + end) // 2
    times = [(start, middle), (middle, end)]
    return {
        "clip_id": number,
        "srt": [
            {
                "index": at + 1,
                "abs_start_time": format_timestamp(a),
                "abs_end_time": format_timestamp(b),
                "relative_start": format_timestamp(a - start),
                "relative_end": format_timestamp(b - start),
                "text": "Hello?",
                "character_annotation": f"{name}: Hello?",
            }
            for at, ((a, b), name) in enumerate(zip(times, ("Anna", "Eve"), strict=True))
        ],
        "speaker": ["Anna", "Eve"],
        "style_annotation": {"Tags": ["friends", "greeting", "warm"], "Summary": "Both are glad."},
        "relationship": "Friends",
        "interaction_type": "Social Banter",
    }


def write_movie(world: Path, movie: str, spans: list[tuple[int, int]]) -> Path:
    """Write one movie's annotations."""
    file = world / "release" / "json" / "movie" / f"{movie}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    clips = [clip(number, *span) for number, span in enumerate(spans)]
    file.write_text(json.dumps({"movie": movie, "clips": clips}), encoding="utf-8")
    return file


def make_world(root: Path) -> World:
    """Two films of five and four seconds, three movies' annotations, and splits."""
    for movie, spans in SPANS.items():
        write_movie(root, movie, spans)
    splits = {
        "train": ["tt0000001_clip_0", "tt0000001_clip_1", "tt0000003_clip_0"],
        "eval": ["tt0000001_clip_2"],
        "test": ["tt0000002_clip_0", "tt0000002_clip_1"],
        "hard": ["tt0000002_clip_1"],
    }
    (root / "release" / "splits.json").write_text(json.dumps(splits), encoding="utf-8")
    (root / "media").mkdir()
    made = {
        "tt0000001": films.make_film(root / "media" / "One {imdb-tt0000001}.mp4", seconds=5),
        "tt0000002": films.make_film(
            root / "media" / "tt0000002.mkv", seconds=4, tracks=[films.Track(codec="flac", seed=2)]
        ),
    }
    # Their sound identifies samples and is nobody's voice: that they are the annotators' own edition has to be said.
    (root / "media" / "media.toml").write_text(
        'tt0000001 = { path = "One {imdb-tt0000001}.mp4", offset_ms = 0 }\n'
        'tt0000002 = { path = "tt0000002.mkv", offset_ms = 0 }\n',
        encoding="utf-8",
    )
    return World(root, made)


def tree(folder: Path) -> dict[str, str]:
    """Hash of every file below a folder."""
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def frames_in(film: films.Film, start_ms: int, end_ms: int, stored_ms: bool = False) -> list[int]:
    """Numbers of the frames shown in a span; Matroska stores times in whole milliseconds."""
    times = [round(t * 1000) if stored_ms else t * 1000 for t in film.times]
    return [number for number, time in enumerate(times) if start_ms <= time < end_ms]

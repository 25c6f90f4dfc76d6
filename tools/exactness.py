"""Whether clips show exactly their frames and sound: films of many kinds x readers, counted clip by clip.

python tools/exactness.py [--mode copy|encode|audio|keyframes] [--clips 100] [--films NAME...] [--readers NAME...]

Draws small films that identify each frame and sample (tests/support/films.py) in every codec and container that can
be cut, cuts random spans, reads the clips back with other programs, and prints how many contain exactly what
the film contains there when it is decoded from its beginning. Chromium reads only some kinds, because it is slow. Exit
code 1 if a clip was refused, or if a reader that follows edit lists was wrong once.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import exactness_chromium as chromium  # noqa: E402 - the generators of films are the tests' own
from exactness_films import KINDS, Kind, Truth, make, off, own_delay  # noqa: E402
from exactness_readers import FRAMES, HONEST, PICTURES, SOUND, frame_numbers, missing, number  # noqa: E402

from mmdia_dataset.clips import (  # noqa: E402
    AudioSettings,
    CopySettings,
    EncodeSettings,
    KeyframeSettings,
    MadeClip,
    Moment,
    Settings,
    cut,
)
from mmdia_dataset.timing import Span, TimeMap  # noqa: E402
from tests.support.films import RATE, Film  # noqa: E402
from tests.support.wishes import into, wish  # noqa: E402

_SOUND_EVERY = 4  # clips whose sound is listened to: correlation takes its time
_PICTURES = (0.0, 0.3, 0.61, 0.97)  # where in a span
# What Chromium is shown: H.264 with its sound, open groups of it, and VP9.
_IN_CHROMIUM = ("H.264 closed GOP, AAC, MP4", "H.264 8 B-frames, open GOP, AAC, MP4", "VP9, Opus, WebM")
_ENCODED_AS = {"": "libx264", " -> H.265": "libx265", " -> AV1": "libsvtav1", " -> VP9": "libvpx-vp9"}
_FAST = {"libx264": "veryfast", "libx265": "ultrafast", "libsvtav1": "6", "libvpx-vp9": "8"}
_CRF = {"libsvtav1": 5}  # at its default, AV1 loses the numbers of pictures this small
_OTHER_CODECS_OF = "H.264 closed GOP, AAC, MKV"


@dataclass
class Row:
    """What was found of one kind of film.

    `exact` counts by reader; `offs` has the sound's distances from where it belongs in samples, None for not found.
    """

    made: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    exact: Counter[str] = field(default_factory=Counter)
    offs: list[int | None] = field(default_factory=list)

    @property
    def sound(self) -> str:
        """The largest distance, in samples, and what was not found."""
        if not self.offs:
            return "-"
        lost = sum(samples is None for samples in self.offs)
        return f"{max((abs(samples) for samples in self.offs if samples is not None), default=0)}" + (
            f", {lost} not found" if lost else ""
        )


@dataclass(frozen=True)
class Trial:
    """A kind of film, made, and what it truly shows."""

    kind: Kind
    film: Film
    truth: Truth
    delay: int  # what the film's own sound is late, in samples
    folder: Path

    def cut(self, settings: Settings, count: int, row: Row) -> Iterator[MadeClip]:
        """Clips made of random spans; the rest is counted."""
        wishes = [
            wish(str(n), span.start_ms, span.end_ms, self._moments(settings, span))
            for n, span in enumerate(spans(count, self.truth.times, 1))
        ]
        for result in cut(self.film.path, TimeMap.linear(), wishes, settings, into(self.folder, settings.suffix)):
            if isinstance(result, MadeClip):
                row.made += 1
                yield result
            else:
                row.refused[f"{result.rule}: {result.detail}"] += 1

    @staticmethod
    def _moments(settings: Settings, span: Span) -> tuple[Moment, ...]:
        if not isinstance(settings, KeyframeSettings):
            return ()
        return tuple(Moment(span.start_ms + int(span.duration_ms * place), None) for place in _PICTURES)

    def late(self, heard: object, clip: MadeClip) -> int | None:
        """How many samples a clip's sound lies from where it belongs."""
        first = self.truth.start(clip.wish.span)
        expected = self.truth.times[first] if self.delay else self.film.times[first] - self.film.times[0]
        offset = off(heard, self.kind.seed, round(expected * RATE))  # type: ignore[arg-type]
        return None if offset is None else offset - self.delay


def spans(count: int, times: Sequence[Fraction], seed: int) -> Iterator[Span]:
    """Random spans of 0.2 to 1.5 s, the first at the very beginning."""
    rnd = random.Random(seed)  # noqa: S311
    end = int(times[-1] * 1000) - 1600
    for n in range(count):
        start = 0 if n == 0 else rnd.randrange(0, end)
        yield Span(start, start + rnd.randrange(200, 1500))


def same(shown: Sequence[int] | None, want: Sequence[int]) -> bool:
    """Whether frames are those of the film; where its own picture is too broken to tell, any is."""
    return shown is not None and len(shown) == len(want) and all(w in (-1, s) for s, w in zip(shown, want, strict=True))


def films_through(trial: Trial, settings: Settings, count: int, readers: Sequence[str], row: Row) -> None:
    """Clips with a picture, in modes `copy` and `encode`."""
    turned = trial.kind.turned and isinstance(settings, EncodeSettings)
    played: list[tuple[Path, list[Fraction]]] = []
    wants: list[list[int]] = []
    for clip in trial.cut(settings, count, row):
        want = trial.truth.inside(clip.wish.span)
        for reader in readers:
            if reader in FRAMES:
                row.exact[reader] += same(frame_numbers(reader, clip.file, trial.film.size, turned), want)
        if trial.film.tracks and row.made % _SOUND_EVERY == 1:
            row.offs.append(trial.late(SOUND["ffmpeg"](clip.file), clip))
        if chromium.NAME in readers:
            first = trial.truth.start(clip.wish.span)
            edges = [*trial.truth.times[first : first + len(want)], clip.end]
            played.append((clip.file, [edge - edges[0] for edge in edges]))
            wants.append(want)
        else:
            clip.file.unlink()
    if played:
        frames = chromium.shown(played)
        row.exact[chromium.NAME] = sum(same(seen, want) for seen, want in zip(frames, wants, strict=True))


def sound_through(trial: Trial, settings: Settings, count: int, readers: Sequence[str], row: Row) -> None:
    """Sound alone: each reader must give as many samples as were made, and each the same."""
    for clip in trial.cut(settings, count, row):
        heard = {reader: SOUND[reader](clip.file) for reader in readers}
        for reader in readers:
            row.exact[reader] += len(heard[reader]) == clip.samples
        if row.made % _SOUND_EVERY == 1:
            row.offs.append(trial.late(heard[readers[0]], clip))
        clip.file.unlink()


def pictures_through(trial: Trial, settings: Settings, count: int, readers: Sequence[str], row: Row) -> None:
    """Pictures: all of a dialogue's must be the ones on the screen at their moments, or the nearest keyframes."""
    nearest = isinstance(settings, KeyframeSettings) and settings.nearest
    for clip in trial.cut(settings, count, row):
        moments = [still.moment.ms for still in clip.stills]
        span = clip.wish.span
        want = [trial.truth.nearest_key(ms) if nearest else trial.truth.shown_at(ms, span) for ms in moments]
        for reader in readers:
            shown = [
                number(PICTURES[reader](clip.file / still.file), trial.film.size, trial.kind.turned)
                for still in clip.stills
            ]
            row.exact[reader] += same(shown, want)
        shutil.rmtree(clip.file)


def plays(mode: str) -> dict[str, Settings]:
    """What is cut of every kind, by what is added to its name."""
    if mode == "encode":
        return {
            end: EncodeSettings(codec=codec, preset=_FAST[codec], crf=_CRF.get(codec))
            for end, codec in _ENCODED_AS.items()
        }
    if mode == "audio":
        return {"": AudioSettings(float32=True), " as FLAC": AudioSettings(sound="flac")}
    if mode == "keyframes":
        return {"": KeyframeSettings(), ", nearest": KeyframeSettings(nearest=True, image="png")}
    return {"": CopySettings()}


def examine(name: str, mode: str, options: argparse.Namespace, folder: Path) -> Iterator[tuple[str, Row]]:
    """A row for each thing that a mode makes of a kind of film."""
    kind = KINDS[name]
    film = make(name, folder)
    # What an encoder's delay adds is the film's own.
    delayed = bool(film.tracks) and (bool(kind.after) or film.path.suffix == ".avi")
    trial = Trial(kind, film, Truth.of(film.path), own_delay(film.path, kind.seed) if delayed else 0, folder)
    for end, plain in plays(mode).items():
        if end.startswith(" -> ") and name != _OTHER_CODECS_OF:
            continue
        settings = plain
        if kind.language and not isinstance(plain, KeyframeSettings):
            settings = type(plain)(**{**plain.__dict__, "language": kind.language})
        row = Row()
        readers = [reader for reader in columns(mode, options.readers) if not missing(reader)]
        if mode in ("copy", "encode"):
            if name not in _IN_CHROMIUM and end != " -> VP9":
                readers = [reader for reader in readers if reader != chromium.NAME]
            films_through(trial, settings, options.clips, readers, row)
        elif mode == "audio":
            if not film.tracks:
                return
            sound_through(trial, settings, options.clips, readers, row)
        else:
            pictures_through(trial, settings, options.clips, readers, row)
        yield name + end, row


def columns(mode: str, chosen: Sequence[str]) -> list[str]:
    """The readers of a mode: those chosen, else all but decord, which ignores edit lists and says much."""
    names = [*FRAMES, chromium.NAME] if mode in ("copy", "encode") else list(SOUND if mode == "audio" else PICTURES)
    return [reader for reader in names if (reader in chosen if chosen else reader != "decord")]


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mode", choices=["copy", "encode", "audio", "keyframes"], default="copy")
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--films", nargs="*", default=[], help="parts of names; all by default")
    parser.add_argument("--readers", nargs="*", default=[], help="all but decord by default")
    parser.add_argument("--work", type=Path, help="folder for films and clips; a temporary one by default")
    options = parser.parse_args()
    heads = columns(options.mode, options.readers)
    for reader in heads:
        if why := missing(reader):
            print(f"{reader}: {why}", file=sys.stderr)
    readers = [reader for reader in heads if not missing(reader)]
    work = options.work or Path(tempfile.mkdtemp(prefix="exactness-"))
    wrong = 0
    print(f"| film | made of {options.clips} | " + " | ".join(heads) + " | sound off by at most [samples] |")
    print("|---" * (len(heads) + 3) + "|")
    chosen = [name for name in KINDS if not options.films or any(part in name for part in options.films)]
    for order, name in enumerate(chosen):
        started = time.monotonic()
        folder = work / str(order)
        shutil.rmtree(folder, ignore_errors=True)
        for label, row in examine(name, options.mode, options, folder):
            cells = " | ".join(
                missing(reader) or (str(row.exact[reader]) if reader in row.exact else "-") for reader in heads
            )
            print(f"| {label} | {row.made} | {cells} | {row.sound} |", flush=True)
            for what, count in row.refused.most_common(3):
                print(f"  ({count} refused: {what})", file=sys.stderr)
            counted = (
                readers
                if options.mode in ("audio", "keyframes")
                else [reader for reader in readers if reader in HONEST]
            )
            wrong += sum(row.exact[reader] != row.made for reader in counted) + (row.made != options.clips)
        shutil.rmtree(folder)
        print(f"  ({name}: {time.monotonic() - started:.0f} s)", file=sys.stderr, flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

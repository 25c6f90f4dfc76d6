"""Alignment by the release's sounds against the authors' method (`bench_mel.py`), and a film of hours by itself.

The film is spoken by the tests' own generator; the release has the film's own sound of each dialogue. Each edition is
written as AAC and given to both. A dialogue counts as right if it is placed within 40 ms, a film's picture; it counts
as wrong if it is placed elsewhere, or at all in a recording that does not have it. The peer knows no refusal.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile
from bench_align import write_aac
from bench_report import Cost, Run, busy, goal, python

from mmdia_dataset.schema import Dialogue
from tests.support import editions
from tests.support.editions_on_disk import pcm, write_dialogue_sounds

__all__ = ["compare", "long_film"]

RIGHT_MS = 40.0
DIALOGUES_AN_HOUR = 80
LEAST_SPEED, MOST_MB = 100.0, 300.0
BLOCK_S = 60

OURS = """
import json, sys, time
from pathlib import Path
from mmdia_dataset.alignment.evidence import Placed
from mmdia_dataset.alignment.by_audio.audio_matching import by_audio
from mmdia_dataset.alignment.by_audio.dialogue_sounds import MovieSounds
from mmdia_dataset.alignment.soundtrack import hear
from mmdia_dataset.schema import Dialogue
recording, rows, sounds, out = map(Path, sys.argv[1:])
dialogues = [Dialogue.model_validate_json(line) for line in rows.read_bytes().splitlines()]
files = {id_: {"mix": file} for id_, (file, _) in json.loads(sounds.read_text()).items()}
began = time.process_time()
soundtrack = hear(recording)
heard = time.process_time()
found = by_audio(MovieSounds(dialogues, files), soundtrack)
matched = time.process_time()
starts = {id_: verdict.start_s for id_, verdict in found.verdicts.items() if isinstance(verdict, Placed)}
out.write_text(json.dumps({"starts": starts, "hear": heard - began, "match": matched - heard}))
"""
PEER = Path(__file__).with_name("bench_mel.py")


@dataclass(frozen=True)
class Recording:
    """An edition on disk, and where each dialogue begins in it [s] by id; None where it is not there."""

    name: str
    path: Path
    truth: dict[str, float | None]
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """What came of one way to align a recording."""

    errors_ms: np.ndarray
    taken: int
    spent: Cost


def compare(work: Path, minutes: float, run: Run) -> None:
    """Make a film and its release, unless they are there; align every edition both ways; print what came of it."""
    folder = work / f"release-audio-{minutes:g}"
    film = editions.make_film(1, minutes)
    rows, sounds = _release(folder, film, film.dialogues)
    print(f"align by the release's sounds: {len(film.dialogues)} dialogues of {minutes:g} min; AAC {busy()}")
    _header()
    for case in _cases(folder, film):
        ours, _ = _ours(case, rows, sounds, folder, run)
        _show(f"{case.name}: mmdia", case, ours)
        out = folder / "theirs.json"
        spent = run([sys.executable, str(PEER), str(case.path), str(sounds), str(out)])
        theirs = _outcome(case, json.loads(out.read_text())["starts"], spent)
        _show(f"{case.name}: log-mel", case, theirs)
        errors = [outcome.errors_ms for outcome in (ours, theirs)]
        error = f"{np.median(errors[0]) / np.median(errors[1]):.3f}x median error, " if all(map(len, errors)) else ""
        print(
            f"  {'ours / peer':<34} {error}{ours.spent.cpu / spent.cpu:.2f}x CPU, "
            f"{ours.spent.wall / spent.wall:.2f}x wall, {ours.spent.peak / spent.peak:.2f}x memory",
            flush=True,
        )


def long_film(work: Path, hours: float, run: Run) -> None:
    """Ours alone on a film of hours, with as many dialogues as films of MM-DIA have: speed and memory."""
    folder = work / f"release-audio-{hours:g}h"
    film = editions.make_film(3, hours * 60)
    count = min(len(film.dialogues), round(hours * DIALOGUES_AN_HOUR))
    chosen = [film.dialogues[n] for n in np.linspace(0, len(film.dialogues) - 1, count).astype(int)]
    rows, sounds = _release(folder, film, chosen)
    print(f"align by the release's sounds: {count} dialogues of {hours:g} hours; FLAC {busy()}")
    _header()
    nowhere: dict[str, float | None] = {dialogue.id: None for dialogue in chosen}
    for name, samples, rate in (
        ("own", film.samples(), Fraction(1)),
        ("PAL", film.samples(), editions.PAL),
        ("played backwards", film.samples()[::-1], Fraction(1)),  # nothing of it is there, as in another film
    ):
        path = folder / f"{name.replace(' ', '-')}.flac"
        _write_flac(path, samples, rate)
        made = editions.Edition(samples, rate, ((0.0, film.duration_s, 0.0),))
        truth = _truth(made, chosen) if samples is film.samples() else nowhere
        case = Recording(name, path, truth, film.duration_s / float(rate))
        ours, times = _ours(case, rows, sounds, folder, run)
        _show(f"{name}: mmdia", case, ours)
        parts = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in times.items())
        print(f"  {'':<34} CPU {ours.spent.cpu:.1f} s: {parts}, the rest is start-up", flush=True)
        goal(f"{name}, times real time by CPU", case.seconds / ours.spent.cpu, least=LEAST_SPEED)
        goal(f"{name}, memory", ours.spent.peak, most=MOST_MB, unit=" MB")


# --- what is printed -----------------------------------------------------------------------------------------------


def _header() -> None:
    counts = "present right wrong refused | absent placed refused"
    print(f"  {'':<34} {counts} | error median      p95 | x real time: CPU wall | peak", flush=True)


def _show(name: str, case: Recording, outcome: Outcome) -> None:
    """Print a row."""
    errors = outcome.errors_ms
    present = sum(start_s is not None for start_s in case.truth.values())
    absent = len(case.truth) - present
    right = int((errors <= RIGHT_MS).sum())
    middle, high = np.percentile(errors, [50, 95]) if len(errors) else (float("nan"), float("nan"))
    print(
        f"  {name:<34} {present:7} {right:5} {len(errors) - right:5} {present - len(errors):7} | "
        f"{absent:6} {outcome.taken:6} {absent - outcome.taken:7} | {middle:9.1f} {high:9.1f} ms | "
        f"{case.seconds / outcome.spent.cpu:15.0f} {case.seconds / outcome.spent.wall:5.0f} | "
        f"{outcome.spent.peak:.0f} MB",
        flush=True,
    )


def _ours(case: Recording, rows: Path, sounds: Path, folder: Path, run: Run) -> tuple[Outcome, dict[str, float]]:
    """What ours makes of a recording; and the CPU seconds of its parts."""
    out = folder / "ours.json"
    spent = run(python(OURS, case.path, rows, sounds, out))
    result = json.loads(out.read_text())
    return _outcome(case, result.pop("starts"), spent), result


def _outcome(case: Recording, starts: dict[str, float], spent: Cost) -> Outcome:
    truth = {id_: start_s for id_, start_s in case.truth.items() if start_s is not None}
    errors = np.array([abs(starts[id_] - start_s) * 1000 for id_, start_s in truth.items() if id_ in starts])
    return Outcome(errors, len(starts.keys() - truth.keys()), spent)


# --- what is compared ----------------------------------------------------------------------------------------------


def _release(folder: Path, film: editions.Film, dialogues: tuple[Dialogue, ...] | list[Dialogue]) -> tuple[Path, Path]:
    """A release's rows, and its sounds: by id the file and when the dialogue begins in the movie [s]."""
    folder.mkdir(parents=True, exist_ok=True)
    rows, sounds = folder / "dialogues.jsonl", folder / "sounds.json"
    rows.write_text("".join(dialogue.model_dump_json() + "\n" for dialogue in dialogues), encoding="utf-8")
    files = write_dialogue_sounds(folder, dialogues[0].movie, film, [dialogue.number for dialogue in dialogues])
    of = {dialogue.id: (str(files[dialogue.number]), dialogue.span.start_ms / 1000) for dialogue in dialogues}
    sounds.write_text(json.dumps(of), encoding="utf-8")
    return rows, sounds


def _cases(folder: Path, film: editions.Film) -> list[Recording]:
    """Editions of a film, each written once."""
    foreign = editions.make_film(2, film.duration_s / 60)
    middle = len(film.lines) // 2
    pauses = [(film.lines[n][-1].end_s + film.lines[n + 1][0].start_s) / 2 for n in (1, middle + 2)]
    inside_s = (film.lines[middle][0].start_s + film.lines[middle][-1].end_s) / 2
    # Less is put in than the peer's window is wide.
    lengths = ((pauses[0], 25), (inside_s, 2), (pauses[1], 20))
    added = {
        moment_s: foreign.samples()[60 * editions.RATE : (60 + length_s) * editions.RATE]
        for moment_s, length_s in lengths
    }
    cut = editions.edition(film, removed=(3, len(film.lines) - 3), inserted=added)
    made_of = (
        ("own", editions.edition(film)),
        ("PAL with logo", editions.edition(film, logo_s=37.4, rate=editions.PAL)),
        ("scenes cut and put in", cut),
    )
    cases = []
    for name, made in made_of:
        path = folder / f"{name.replace(' ', '-')}.m4a"
        write_aac(path, made.samples, "160k")
        cases.append(Recording(name, path, _truth(made, film.dialogues), len(made.samples) / editions.RATE))
    path = folder / "another-film.m4a"
    write_aac(path, foreign.samples(), "160k")
    cases.append(Recording("another film", path, {d.id: None for d in film.dialogues}, foreign.duration_s))
    return cases


def _truth(made: editions.Edition, dialogues: tuple[Dialogue, ...] | list[Dialogue]) -> dict[str, float | None]:
    return {dialogue.id: made.place_s(dialogue.span) for dialogue in dialogues}


def _write_flac(path: Path, samples: np.ndarray, rate: Fraction) -> None:
    """A film's sound at some speed, a minute at a time, unless it is there."""
    if path.exists():
        return
    temporary = path.with_name(f"temporary-{path.name}")
    count, block = int(len(samples) / rate), BLOCK_S * editions.RATE
    with soundfile.SoundFile(str(temporary), "w", editions.RATE, 1, "PCM_16") as file:
        for first in range(0, count, block):
            places = np.arange(first, min(first + block, count)) * float(rate)
            low = int(places[0])
            part = samples[low : int(places[-1]) + 2]
            file.write(pcm(np.interp(places - low, np.arange(len(part)), part)))
    temporary.replace(path)

"""Alignment by timing fingerprint against ffsubsync: how many dialogues each places right, and at what cost.

The film is spoken by the tests' own generator. Its reference edition gives the fingerprint and, for ffsubsync, a
subtitle file with the cues of all dialogues; each edition is written as AAC and given to both. Both are
measured in the same way: a dialogue is placed, or not. ffsubsync never says that one is missing.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, Protocol

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.schema import Dialogue
from mmdia_dataset.timing import format_timestamp, ms_from_timestamp
from tests.support import editions

__all__ = ["Spent", "compare", "write_aac"]

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
WRONG_MS = 500.0
MISSING = """  ffsubsync is not here, and nothing to compare with. It is a peer to be measured, not a dependency:
  pip install ffsubsync (0.5.1 brings webrtcvad-wheels and needs no compiler); have ffmpeg and ffprobe on PATH."""

Samples = NDArray[np.float32]
Status = Literal["present", "absent", "spliced"]


class Spent(Protocol):
    """What running a command took."""

    @property
    def cpu(self) -> float:
        """CPU seconds."""

    @property
    def peak(self) -> float:
        """Peak memory in MB."""


@dataclass(frozen=True)
class Case:
    """An edition on disk, and by dialogue id whether it is there and where it begins [s]."""

    name: str
    path: Path
    truth: dict[str, tuple[Status, float]]
    seconds: float


OURS = """
import json, sys, time
from pathlib import Path
from mmdia_dataset.alignment.evidence import Placed
from mmdia_dataset.alignment.by_fingerprint.timing_fingerprint import TimingFingerprint
from mmdia_dataset.alignment.by_fingerprint.matching import by_fingerprint
from mmdia_dataset.alignment.soundtrack import hear
from mmdia_dataset.schema import Dialogue
recording, fingerprint, rows, out = map(Path, sys.argv[1:])
dialogues = [Dialogue.model_validate_json(line) for line in rows.read_bytes().splitlines()]
reference = TimingFingerprint.from_bytes(fingerprint.read_bytes())
started = time.process_time()
soundtrack = hear(recording)
heard = time.process_time()
found = by_fingerprint(dialogues, reference, soundtrack)
matched = time.process_time()
starts = {id_: verdict.start_s for id_, verdict in found.verdicts.items() if isinstance(verdict, Placed)}
bounds = {id_: verdict.error_ms for id_, verdict in found.verdicts.items() if isinstance(verdict, Placed)}
costs = {"hear": heard - started, "match": matched - heard}
out.write_text(json.dumps({"starts": starts, "bounds": bounds, **costs}))
"""
DECODE = """
import json, sys, time
from pathlib import Path
import av
started = time.process_time()
with av.open(sys.argv[1]) as container:
    for frame in container.decode(audio=0):
        pass
Path(sys.argv[2]).write_text(json.dumps(time.process_time() - started))
"""
QUIET = """
import subprocess, sys
sys.exit(subprocess.run(sys.argv[1:], stderr=subprocess.DEVNULL).returncode)
"""
MAKE = """
import sys
from pathlib import Path
from mmdia_dataset.alignment.by_fingerprint.timing_fingerprint import TimingFingerprint
from mmdia_dataset.alignment.soundtrack import hear
Path(sys.argv[2]).write_bytes(TimingFingerprint.of(hear(sys.argv[1])).to_bytes())
"""


def compare(work: Path, minutes: float, run: Callable[[list[str]], Spent]) -> None:
    """Make the material in a folder, unless it is there; align every edition both ways; print what came of it."""
    folder = work / f"align-{minutes:g}"
    film = editions.make_film(1, minutes)
    cases = _cases(film, folder)
    rows, subtitles, fingerprint = folder / "dialogues.jsonl", folder / "reference.srt", folder / "reference.mmtf"
    rows.write_text("".join(dialogue.model_dump_json() + "\n" for dialogue in film.dialogues), encoding="utf-8")
    subtitles.write_text(_subtitles(film.dialogues), encoding="utf-8")
    run([sys.executable, "-c", MAKE, str(folder / "reference.m4a"), str(fingerprint)])
    size = fingerprint.stat().st_size
    print(f"align: {len(film.dialogues)} dialogues of {minutes:g} min; AAC, 48 kHz, stereo")
    print(f"  fingerprint: {size:,} bytes, {size * 60 / minutes / 1000:.1f} kB an hour")
    peer = _ffsubsync()
    print(MISSING if peer is None else "", end="\n" if peer is None else "")
    header = "present placed wrong | absent taken | spliced taken | error median    p95      max"
    speeds = "x real time: all, without start-up, decoding alone"
    print(f"  {'':<34} {header} | {speeds} | beyond bound | peak", flush=True)
    for case in cases:
        _ours(case, folder, run)
        if peer is not None:
            _theirs(case, folder, peer, run)


def _ours(case: Case, folder: Path, run: Callable[[list[str]], Spent]) -> None:
    out, floor = folder / "ours.json", folder / "decode.json"
    inputs = [str(case.path), str(folder / "reference.mmtf"), str(folder / "dialogues.jsonl")]
    spent = run([sys.executable, "-c", OURS, *inputs, str(out)])
    run([sys.executable, "-c", DECODE, str(case.path), str(floor)])
    result, decoding = json.loads(out.read_text()), json.loads(floor.read_text())
    starts = result["starts"]
    beyond = sum(
        abs(starts[id_] - start_s) * 1000 > result["bounds"][id_]
        for id_, (status, start_s) in case.truth.items()
        if status == "present" and id_ in starts
    )
    inner = case.seconds / (result["hear"] + result["match"])
    _show(f"{case.name}: mmdia", case, starts, f"{inner:11.0f} {case.seconds / decoding:8.0f} | {beyond:12}", spent)


def _theirs(case: Case, folder: Path, command: str, run: Callable[[list[str]], Spent]) -> None:
    out = folder / "theirs.srt"
    out.unlink(missing_ok=True)
    try:
        spent = run(
            [sys.executable, "-c", QUIET, command, str(case.path), "-i", str(folder / "reference.srt"), "-o", str(out)]
        )
    except SystemExit:
        print(f"  {case.name}: ffsubsync failed", flush=True)
        return
    starts = _starts(out) if out.exists() else {}
    _show(f"{case.name}: ffsubsync", case, starts, f"{'':20} | {'':12}", spent)


def _show(name: str, case: Case, starts: dict[str, float], more: str, spent: Spent) -> None:
    """Print a row."""
    of: dict[Status, list[str]] = {"present": [], "absent": [], "spliced": []}
    for id_, (status, _) in case.truth.items():
        of[status].append(id_)
    errors = np.array([abs(starts[id_] - case.truth[id_][1]) * 1000 for id_ in of["present"] if id_ in starts])
    taken = {status: sum(id_ in starts for id_ in ids) for status, ids in of.items()}
    wrong = int((errors > WRONG_MS).sum())
    middle, high, most = np.percentile(errors, [50, 95, 100]) if len(errors) else [float("nan")] * 3
    counts = f"{len(of['present']):7} {taken['present']:6} {wrong:5} | {len(of['absent']):6} {taken['absent']:5}"
    speed = f"{case.seconds / spent.cpu:16.0f}"
    counts += f" | {len(of['spliced']):7} {taken['spliced']:5}"
    print(
        f"  {name:<34} {counts} | {middle:9.1f} {high:9.1f} {most:9.1f} ms | {speed} {more} | {spent.peak:.0f} MB",
        flush=True,
    )


# --- what is compared ----------------------------------------------------------------------------------------------


def _cases(film: editions.Film, folder: Path) -> list[Case]:
    """Editions of a film, each written once."""
    folder.mkdir(parents=True, exist_ok=True)
    write_aac(folder / "reference.m4a", film.samples(), "160k")
    other_film = editions.make_film(2, film.duration_s / 60)
    foreign = other_film.samples()
    gone = (4, len(film.lines) // 2)
    put_in = ((_between(film, 8), 30), (_between(film, 14), 95), (_inside(film, 11), 2), (_inside(film, 18), 40))
    adverts = {moment_s: foreign[60 * editions.RATE : (60 + length) * editions.RATE] for moment_s, length in put_in}
    spliced = {11, 18}
    pal = editions.PAL
    made_of: list[tuple[str, editions.Edition, str, Fraction]] = [
        ("offset", editions.edition(film, logo_s=37.4), "160k", Fraction(1)),
        ("PAL", editions.edition(film, logo_s=37.4, rate=pal), "160k", Fraction(1)),
        ("PAL, pitch kept", editions.edition(film, logo_s=20.1), "128k", pal),
        ("7 % faster", editions.edition(film, rate=Fraction(107, 100)), "128k", Fraction(1)),
        ("edits", editions.edition(film, removed=gone, inserted=adverts), "128k", Fraction(1)),
        ("edits, PAL", editions.edition(film, removed=gone, inserted=adverts, rate=pal), "128k", Fraction(1)),
        ("noise, 64 kbit/s", editions.edition(film, logo_s=5.3, noise=0.02), "64k", Fraction(1)),
    ]
    cases = []
    for name, edition, quality, tempo in made_of:
        path = folder / f"{name.replace(' ', '-').replace(',', '').replace('%', '').replace('/', '')}.m4a"
        write_aac(path, edition.samples, quality, tempo)
        truth: dict[str, tuple[Status, float]] = {}
        for dialogue in film.dialogues:
            start_s = edition.place_s(dialogue.span)
            missing: Status = "spliced" if dialogue.number in spliced else "absent"
            truth[dialogue.id] = (missing, 0.0) if start_s is None else ("present", start_s / float(tempo))
        cases.append(Case(name, path, truth, len(edition.samples) / editions.RATE / float(tempo)))
    for name, sound in (("dub", film.samples(dub=True)), ("other film", foreign)):
        path = folder / f"{name.replace(' ', '-')}.m4a"
        write_aac(path, sound, "128k")
        nowhere: dict[str, tuple[Status, float]] = {dialogue.id: ("absent", 0.0) for dialogue in film.dialogues}
        cases.append(Case(name, path, nowhere, film.duration_s))
    return cases


def _between(film: editions.Film, number: int) -> float:
    """A moment between a dialogue and the next, in movie seconds."""
    return (film.lines[number][-1].end_s + film.lines[number + 1][0].start_s) / 2


def _inside(film: editions.Film, number: int) -> float:
    """A moment in the middle of a dialogue."""
    return (film.lines[number][0].start_s + film.lines[number][-1].end_s) / 2


def write_aac(path: Path, sound: Samples, quality: str, tempo: Fraction = Fraction(1)) -> None:
    """Sound as AAC of 48 kHz in stereo, unless it is there; faster by `tempo`, at its own pitch."""
    if path.exists():
        return
    temporary = path.with_name(f"temporary-{path.name}")
    source = ["-f", "f32le", "-ar", str(editions.RATE), "-ac", "1", "-i", "-"]
    faster = ["-af", f"atempo={float(tempo):.9f}"] if tempo != 1 else []
    target = ["-ar", "48000", "-ac", "2", "-c:a", "aac", "-aac_coder", "fast", "-b:a", quality, str(temporary)]
    subprocess.run(
        [FFMPEG, "-v", "error", "-y", *source, *faster, *target], input=sound.astype("<f4").tobytes(), check=True
    )
    temporary.replace(path)


# --- ffsubsync ------------------------------------------------------------------------------------------------------


def _ffsubsync() -> str | None:
    """The command, beside this interpreter or on PATH."""
    beside = Path(sys.executable).with_name("ffsubsync")
    return str(beside) if beside.exists() else shutil.which("ffsubsync")


def _subtitles(dialogues: tuple[Dialogue, ...]) -> str:
    """All cues as SubRip; each one's text is the id of its dialogue, so that it is known again."""
    turns = [(turn.span, dialogue.id) for dialogue in dialogues for turn in dialogue.turns]
    return "".join(
        f"{n}\n{format_timestamp(span.start_ms)} --> {format_timestamp(span.end_ms)}\n{id_}\n\n"
        for n, (span, id_) in enumerate(turns, 1)
    )


def _starts(path: Path) -> dict[str, float]:
    """Where each dialogue's first cue begins [s], in subtitles that `_subtitles` wrote and ffsubsync moved."""
    starts: dict[str, float] = {}
    for block in path.read_text(encoding="utf-8-sig").strip().split("\n\n"):
        _, times, id_ = block.splitlines()[:3]
        starts.setdefault(id_, ms_from_timestamp(times.split(" --> ")[0]) / 1000)
    return starts

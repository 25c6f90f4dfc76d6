"""What the limits of the subtitles' and the speech's tiers separate, measured with the functions they are used in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from calibrate_material import Material, Recorded, Sides

from mmdia_dataset.alignment.by_speech import speech, speech_limits
from mmdia_dataset.alignment.by_speech.lines import Placement, Rhythm, SpokenLines
from mmdia_dataset.alignment.by_speech.speechpath import CELL_RATE, Cells, Path, find_path
from mmdia_dataset.alignment.by_subtitles import readings
from mmdia_dataset.alignment.by_subtitles.chains import best_chain
from mmdia_dataset.alignment.by_subtitles.cuesound import BLOCK_S, Listener
from mmdia_dataset.alignment.by_subtitles.words import LineFinder, Text
from mmdia_dataset.alignment.soundtrack import Soundtrack
from mmdia_dataset.alignment.voice import speech_curves
from mmdia_dataset.media import SubtitleTrack

__all__ = ["measure_speech", "measure_subtitles"]

TOO_FAST = 1.001
OFF_S = 5.0
ELSEWHERE_S = (-53.0, -31.0, 29.0, 47.0)


def measure_subtitles(material: Material, sides: Sides, quick: bool) -> None:
    """Fill the rows of the tier."""
    copies = material.copies[:1] if quick else material.copies
    transcript = readings.Transcript.of(material.dialogues)
    lacking = range(1, len(material.dialogues), 4)
    for copy in copies:
        track = material.track(recording=copy)
        _chained(transcript, track, sides, "right")
        _chained(transcript, material.track(recording=copy, shuffled=True), sides, "wrong")
        reading = readings.read_track(transcript, material.track(recording=copy, without=lacking))
        if isinstance(reading, readings.TrackReading):
            _read(reading, lacking, sides)
        reading = readings.read_track(transcript, track)
        if isinstance(reading, readings.TrackReading):
            _listened(reading, copy, material.other, sides)


def _chained(transcript: readings.Transcript, track: SubtitleTrack, sides: Sides, side: str) -> None:
    """As `read_track` asks whether a track is the movie's."""
    shown = Text.of([(cue.start_ms / 1000, cue.end_ms / 1000, cue.text) for cue in track.cues])
    chain = best_chain(readings._points(transcript, LineFinder(shown, transcript.text.tokens)))
    lines = sum(map(len, transcript.of_dialogue))
    sides.add("chain-evidence", **{side: [chain.evidence if chain else 0.0]})
    sides.add("lines-found", **{side: [len(chain.points.line) / lines if chain else 0.0]})


def _read(reading: readings.TrackReading, lacking: Sequence[int], sides: Sides) -> None:
    for number, heard in enumerate(reading._heard):
        best = max(heard.values(), key=lambda candidate: candidate.share, default=None)
        side = "wrong" if number in lacking else "right"
        sides.add("words-share", **{side: [best.share if best else 0.0]})
        sides.add("line-share", **{side: best.shares if best else []})


def _listened(reading: readings.TrackReading, copy: Recorded, foreign: Soundtrack, sides: Sides) -> None:
    """Cues against their own sound and another film's; too fast; and off."""
    spoken = reading.spoken()
    listener = Listener(copy.soundtrack, spoken)
    shift, stranger = listener.shift(), Listener(foreign, spoken).shift()
    sides.add("shift-clear", right=[shift.clear], wrong=[stranger.clear])
    sides.add("shift-strength", right=[shift.strength], wrong=[stranger.strength])
    fast = Listener(copy.soundtrack, [(start * TOO_FAST, end * TOO_FAST) for start, end in spoken])
    sides.add("thirds-drift", right=[listener.drift_s(shift.seconds)], wrong=[fast.drift_s(fast.shift().seconds)])
    middle = copy.soundtrack.duration_s / 2
    half = [(start + OFF_S * (start > middle), end + OFF_S * (start > middle)) for start, end in spoken]
    for side, sure in (
        ("right", listener.in_step(shift.seconds)),
        ("wrong", Listener(copy.soundtrack, half).in_step(shift.seconds)),
    ):
        from_block = int(middle / BLOCK_S) + 2 if side == "wrong" else 0
        blocks = sorted({int(start / BLOCK_S) for start, _ in spoken if int(start / BLOCK_S) < len(sure)})
        sides.add("in-step", **{side: [sure[block] for block in blocks if block >= from_block]})
    for side, moves in (("right", (0.0,)), ("wrong", (-2 * OFF_S, -OFF_S, OFF_S, 2 * OFF_S))):
        for move in moves:
            lag = listener.lag(reading.starts_s() + shift.seconds + move)
            if lag is not None:
                sides.add("onset-rise", **{side: [lag.rise_db]})
                sides.add("onset-error", **{side: [lag.error_s]})


def measure_speech(material: Material, sides: Sides, quick: bool) -> None:
    """Fill the rows of the tier."""
    rhythms = [spoken.rhythm for spoken in speech._spoken(material.dialogues)]
    for copy in material.copies[:1] if quick else material.copies:
        curves = speech_curves(copy.soundtrack.levels, copy.soundtrack.voice)
        cells, lines = Cells(curves), SpokenLines(curves)
        _walked(find_path(rhythms, cells, copy.rate, speech_limits.FAMILY_REACH), rhythms, copy, sides)
        shift = copy.offset_s / copy.rate
        _spoken(lines, [(rhythm, shift) for rhythm in rhythms], copy.rate, sides)
        _ended(lines, [(rhythm, shift) for rhythm in rhythms], copy.rate, sides, "right")
    foreign = Cells(speech_curves(material.other.levels, material.other.voice))
    _walked(find_path(rhythms, foreign, 1.0, speech_limits.FAMILY_REACH), rhythms, None, sides)
    dub = SpokenLines(speech_curves(material.dub.soundtrack.levels, material.dub.soundtrack.voice))
    _ended(dub, [(rhythm, 0.0) for rhythm in rhythms], 1.0, sides, "wrong")


def _walked(path: Path, rhythms: Sequence[Rhythm], copy: Recorded | None, sides: Sides) -> None:
    """A path through one of the film's recordings, or through another film's."""
    side = "right" if copy else "wrong"
    sides.add("path-nats", **{side: [path.nats]})
    for rhythm, step in zip(rhythms, path.steps, strict=True):
        if step is None:
            continue
        true_s = (rhythm.middle_s + copy.offset_s) / copy.rate if copy else np.inf
        right_place = abs(step.cell / CELL_RATE - true_s) < 0.5
        sides.add("dialogue-nats", **{"right" if right_place else "wrong": [step.nats]})
    rows: dict[int, list[float]] = {}
    for step in path.steps:
        if step is not None:
            rows.setdefault(step.piece, []).append(step.nats - speech_limits.CHANCE_NATS)
    sides.add("row-nats", **{side: [_best_row(row) for row in rows.values()]})


def _best_row(gains: Sequence[float]) -> float:
    """The most that dialogues in a row say, as `Path.runs` counts it."""
    total = np.concatenate([[0.0], np.cumsum(gains)])
    return float((total - np.minimum.accumulate(total)).max())


def _spoken(lines: SpokenLines, placements: list[Placement], rate: float, sides: Sides) -> None:
    """Lines where they are, and where others are."""
    away = [[(rhythm, shift + off_s) for rhythm, shift in placements] for off_s in ELSEWHERE_S]
    for row in away:
        lines.learn(row, rate)
        sides.add("lines-clear", wrong=[_distance(lines, row, rate)])
    lines.learn(placements, rate)
    sides.add("lines-clear", right=[_distance(lines, placements, rate)])
    sides.add("line-nats", right=[lines.nats(rhythm, shift, rate).mean() for rhythm, shift in placements])
    sides.add("line-nats", wrong=[lines.nats(rhythm, shift, rate).mean() for row in away for rhythm, shift in row])


def _distance(lines: SpokenLines, placements: list[Placement], rate: float) -> float:
    """How far lines that fit differ from the same lines elsewhere, as `SpokenLines.learn` asks [deviations]."""
    right = np.concatenate([lines._fit(rhythm, shift, rate) for rhythm, shift in placements])
    wrong = np.concatenate(
        [
            lines._fit(rhythm, shift + sign * off_s, rate)
            for rhythm, shift in placements
            for off_s in speech_limits.ELSEWHERE_S
            for sign in (-1, 1)
        ]
    )
    return float((right.mean() - wrong.mean()) / np.sqrt((right.var() + wrong.var()) / 2))


def _ended(lines: SpokenLines, placements: list[Placement], rate: float, sides: Sides, side: str) -> None:
    """When lines end after their cues, as `speech` asks for the language."""
    ends = lines.ends_s(placements, rate)
    if len(ends) < speech_limits.FEWEST_ENDS:
        return
    within = np.searchsorted(ends, ends + speech_limits.SAME_END_S, side="right") - np.arange(len(ends))
    sides.add("late-ends", **{side: [float((ends > speech_limits.LATE_END_S).mean())]})
    sides.add("same-ends", **{side: [float(within.max()) / len(ends)]})

"""The subtitle tier: dialogues placed by the words of a recording's own subtitles, checked against its sound.

Words are compared, not lines (`readings`). What the subtitles say about time is believed only as far as the sound
agrees (`cuesound`): a constant shift is corrected where the sound says so clearly, and where no shift fits, or in parts
where the sound is off, nothing is placed.

What can't be known: by how much annotated times lead speech, which is part of every error bound; and whether the
recording is a dub whose subtitles were left in the language of the annotations, since a dub speaks at nearly the same
times. Who knows the language of the sound must compare it with the annotations'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from mmdia_dataset.alignment.by_subtitles import subtitle_limits as limits
from mmdia_dataset.alignment.by_subtitles.chains import Floats
from mmdia_dataset.alignment.by_subtitles.cuesound import BLOCK_S, Listener
from mmdia_dataset.alignment.by_subtitles.readings import TrackReading, Transcript, read_track
from mmdia_dataset.alignment.evidence import Alignment, NotPlaced, Placed, Verdict
from mmdia_dataset.alignment.soundtrack import Soundtrack
from mmdia_dataset.media import SubtitleTrack, same_language
from mmdia_dataset.refusals import Refusal
from mmdia_dataset.schema import Dialogue, Reason
from mmdia_dataset.timing import MAX_MS, Piece, TimeMap

__all__ = ["by_subtitles"]


_UNTIMED = Reason(
    rule=Refusal.TOO_LITTLE_EVIDENCE, detail="the release does not say when in the movie this dialogue is"
)
_NO_TRACK = Reason(rule=Refusal.TOO_LITTLE_EVIDENCE, detail="the recording has no subtitles that can be read as text")
_SILENT = Reason(rule=Refusal.TOO_LITTLE_EVIDENCE, detail="the recording is silent, so its subtitles can't be checked")
_OFF = Reason(rule=Refusal.SUBTITLES_OFF, detail="the subtitles do not match the sound; they may be of another edition")
_OUTSIDE = Reason(rule=Refusal.ABSENT, detail="this dialogue would lie outside your recording")


@dataclass(frozen=True, slots=True)
class _Timing:
    """What sound adds to a reading.

    Attributes:
        late_s: by how much the recording is later than its subtitles say [s].
        error_s: standard error of that [s].
        allowance_ms: what stays unknown [ms].
        in_step: (blocks of BLOCK_S,), how sure it is that sound and subtitles fit there, 0 to 1.
    """

    late_s: float
    error_s: float
    allowance_ms: float
    in_step: Floats


def by_subtitles(dialogues: Sequence[Dialogue], tracks: Sequence[SubtitleTrack], soundtrack: Soundtrack) -> Alignment:
    """Place dialogues of one movie in a recording by its subtitles.

    Args:
        dialogues: of one movie, in any order.
        tracks: the recording's text tracks and the files beside it; those in another language are passed over.
        soundtrack: what is heard of the recording. Without sound nothing is placed, since nothing can be checked.

    Returns:
        The alignment of the tier ``subtitles``. Reasons of refusal: ``absent``, ``splice``, ``too-little-evidence``,
        ``other-movie``, ``other-language``, ``subtitles-off``.
    """
    ids = tuple(dialogue.id for dialogue in dialogues)
    transcript = Transcript.of(dialogues)
    if not any(transcript.of_dialogue):
        return Alignment.nothing("subtitles", ids, _UNTIMED)
    readings: list[TrackReading] = []
    reasons: list[Reason] = []
    for track in tracks:
        read = read_track(transcript, track)
        if isinstance(read, TrackReading):
            readings.append(read)
        else:
            reasons.append(read)
    readings.sort(key=lambda reading: -reading.evidence)
    best: Alignment | None = None
    for reading in readings[: limits.TRACKS]:
        if reading.evidence >= limits.COMPARABLE * readings[0].evidence:
            alignment = _judged(reading, soundtrack, ids)
            if best is None or _placed(alignment) > _placed(best):
                best = alignment
    return best or Alignment.nothing("subtitles", ids, _likeliest(reasons))


def _placed(alignment: Alignment) -> int:
    return sum(isinstance(verdict, Placed) for verdict in alignment.verdicts.values())


def _likeliest(reasons: list[Reason]) -> Reason:
    """Of the reasons why no track fits, the one that says most."""
    for rule in (Refusal.OTHER_MOVIE, Refusal.TOO_LITTLE_EVIDENCE, Refusal.OTHER_LANGUAGE):
        for reason in reasons:
            if reason.rule == rule:
                return reason
    return _NO_TRACK


def _judged(reading: TrackReading, soundtrack: Soundtrack, ids: tuple[str, ...]) -> Alignment:
    """What a track says of every dialogue, as far as the sound agrees."""
    timing = _timing(reading, soundtrack)
    if isinstance(timing, Reason):
        return Alignment.nothing("subtitles", ids, timing)
    verdicts: dict[str, Verdict] = {id_: NotPlaced(_UNTIMED) for id_ in ids}
    placed: dict[int, Placed] = {}
    off = 0
    for number, dialogue in enumerate(reading.transcript.dialogues):
        verdict = _verdict(reading, number, timing, soundtrack.duration_s)
        verdicts[dialogue.id] = verdict
        if isinstance(verdict, Placed):
            placed[number] = verdict
        else:
            off += verdict.reason == _OFF
    if off > len(placed):
        return Alignment.nothing("subtitles", ids, _OFF)
    if not placed:
        return Alignment(tier="subtitles", time_map=TimeMap(()), verdicts=verdicts, reason=_likeliest([]))
    return Alignment(
        tier="subtitles",
        time_map=_map(reading, placed, timing.late_s),
        verdicts=verdicts,
        error_ms=max(place.error_ms for place in placed.values()),
        confidence=round(float(np.median([place.confidence for place in placed.values()])), 3),
        notes=tuple(_notes(reading, timing.late_s)),
    )


def _timing(reading: TrackReading, soundtrack: Soundtrack) -> _Timing | Reason:
    """By how much subtitles and sound differ, and where they fit."""
    listener = Listener(soundtrack, reading.spoken())
    if listener.silent:
        return _SILENT
    shift = listener.shift()
    if (
        shift.clear < limits.SHIFT_CLEAR
        or shift.strength < limits.SHIFT_STRONG
        or listener.drift_s(shift.seconds) > limits.LARGEST_DRIFT_S
    ):
        return _OFF
    lag = listener.lag(reading.starts_s() + shift.seconds)
    in_step = listener.in_step(shift.seconds)
    exact = reading.spread_s <= limits.EXACT_S
    if (
        lag is None
        or lag.rise_db < limits.LEAST_RISE_DB
        or lag.error_s > limits.LARGEST_LAG_ERROR_S
        or abs(lag.seconds) > limits.LARGEST_LAG_S
    ):
        # Without onsets, small shifts may be no more than cues that stay on.
        small = abs(shift.seconds) < limits.LARGEST_LAG_S
        late_s, doubt_s = (0.0, abs(shift.seconds)) if small else (shift.seconds, limits.LARGEST_LAG_S)
        return _Timing(late_s, 0.0, limits.HABIT_MS + 1000 * doubt_s, in_step)
    late_s = shift.seconds + lag.seconds
    if exact and abs(late_s) < limits.TOLERATED_S:
        return _Timing(0.0, 0.0, limits.EXACT_MS, in_step)
    return _Timing(late_s, lag.error_s, limits.LEAD_MS, in_step)


def _verdict(reading: TrackReading, number: int, timing: _Timing, duration_s: float) -> Verdict:
    objection, piece = reading.objection(number), reading.chosen[number]
    if objection is not None or piece is None:
        return NotPlaced(objection or _NO_TRACK)
    span = reading.transcript.dialogues[number].span
    start_s = reading.at_s(span.start_ms / 1000, piece) + timing.late_s
    end_s = reading.at_s(span.end_ms / 1000, piece) + timing.late_s
    if start_s < 0 or end_s > duration_s + limits.OVERHANG_S:
        return NotPlaced(_OUTSIDE)
    blocks = timing.in_step[int(start_s / BLOCK_S) : int(end_s / BLOCK_S) + 1]
    sure = float(blocks.min(initial=1.0)) if len(blocks) else 0.0
    if sure < limits.IN_STEP:
        return NotPlaced(_OFF)
    error_ms = timing.allowance_ms + limits.SIGMAS * 1000 * float(np.hypot(reading.error_s(piece), timing.error_s))
    return Placed(start_s, round(error_ms, 1), round(min(1.0, reading.share(number)) * sure, 3))


def _map(reading: TrackReading, placed: dict[int, Placed], late_s: float) -> TimeMap:
    """The pieces, each from the first to the last dialogue placed in it."""
    pieces: list[Piece] = []
    for stretch in reading.stretches:
        spans = [reading.transcript.dialogues[number].span for number in stretch.dialogues if number in placed]
        if not spans:
            continue
        offset_s = stretch.offset_s + late_s * float(reading.rate)
        start = max(min(span.start_ms for span in spans), pieces[-1].to_ms if pieces else 0)
        end = min(max(span.end_ms for span in spans), MAX_MS)
        if start < end:
            pieces.append(Piece(start, end, reading.rate, Fraction(round(offset_s * 1_000_000), 1000)))
    return TimeMap(tuple(pieces))


def _notes(reading: TrackReading, late_s: float) -> list[str]:
    track = reading.track
    notes = [f"placed by the words of {track.name}"]
    if abs(late_s) >= limits.REMARKABLE_S:
        way = "early" if late_s > 0 else "late"
        notes.append(f"the subtitles are {abs(late_s):.2f} s too {way} for the sound; this was corrected")
    languages = {dialogue.language for dialogue in reading.transcript.dialogues if dialogue.language}
    if track.language and languages and not any(same_language(track.language, language) for language in languages):
        notes.append(
            f"the subtitles say that they are in {track.language}, but the annotations are in {min(languages)}"
        )
    return notes

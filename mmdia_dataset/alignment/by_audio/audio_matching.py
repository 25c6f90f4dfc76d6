"""The strongest evidence after a passport: the sound that the release brings of each dialogue, found in a recording.

Each sound is sought everywhere by itself. Those with movie times must then lie on a way through the recording, piece by
piece; those without are where they are found. A dialogue without a usable sound is placed by its neighbours, where
nothing is cut between them or where the voices there fit its cues.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from mmdia_dataset.alignment.by_audio import audio_limits as limits
from mmdia_dataset.alignment.by_audio.audio_verdicts import (
    SoundVerdicts,
    judge_timed,
    judge_untimed,
    name_wrong,
    place_unheard,
)
from mmdia_dataset.alignment.by_audio.dialogue_sounds import MovieSounds, doubted
from mmdia_dataset.alignment.by_audio.found_sounds import FoundSounds, at_rate, find_sounds
from mmdia_dataset.alignment.by_audio.sound_path import SoundStop, SoundStretch, best_path, stretches_of
from mmdia_dataset.alignment.by_audio.sound_speed import FoundSound, find_sound_speed
from mmdia_dataset.alignment.by_fingerprint.judging import DUB
from mmdia_dataset.alignment.evidence import Alignment, Placed, known_rate
from mmdia_dataset.alignment.soundtrack import Soundtrack
from mmdia_dataset.refusals import Refusal
from mmdia_dataset.schema import Dialogue, Reason
from mmdia_dataset.timing import Piece, Span, TimeMap

__all__ = ["by_audio"]

_REACH = 3  # frames


def by_audio(sounds: MovieSounds, soundtrack: Soundtrack, movie_map: TimeMap | None = None) -> Alignment:
    """Align a recording with a movie by the sounds of its dialogues.

    Args:
        sounds: those that the release has; dialogues have times in the movie, or none.
        soundtrack: the recording's.
        movie_map: how the recording's time runs, if that is known already: dialogues without movie times get theirs
            by it.

    Returns:
        The alignment; `spans` has the movie times of dialogues that had none, `wrong_sounds` what is wrong with the
        release's sounds.
    """
    ids = tuple(dialogue.id for dialogue in sounds.dialogues)
    dialogues = sorted(sounds.dialogues, key=lambda dialogue: (dialogue.timeline, dialogue.span, dialogue.number))

    def nothing(rule: Refusal, detail: str) -> Alignment:
        alignment = Alignment.nothing("audio", ids, Reason(rule=rule, detail=detail))
        return replace(alignment, wrong_sounds=sounds.wrong)

    if not sounds.heard:
        return nothing(Refusal.TOO_LITTLE_EVIDENCE, "none of the sounds that the release has of this movie can be used")
    if not soundtrack.levels.any():
        return nothing(Refusal.TOO_LITTLE_EVIDENCE, "the recording's sound track is silent")
    found = find_sounds(sounds.heard, soundtrack)
    if found is None:
        return nothing(*_other(dialogues, sounds, soundtrack))
    verdicts = SoundVerdicts(wrong=dict(sounds.wrong))
    timed = [dialogue for dialogue in dialogues if dialogue.timeline == "movie"]
    stops = _stops(timed, found)
    path = best_path(stops, found.rate)
    exact = _exact_rate(stops, path, found.rate)
    if exact != found.rate:
        found = at_rate(found, exact)
        stops = _stops(timed, found)
        path = best_path(stops, exact)
    stretches = stretches_of(stops, path, found.rate)
    judge_timed(timed, stretches, found, verdicts)
    name_wrong(timed, stretches, found, {stop.id for stop in stops if not stop.trusted}, verdicts)
    place_unheard(timed, stretches, found, soundtrack, verdicts)
    pieces = _pieces(timed, stretches, found.rate, verdicts) if movie_map is None else movie_map.pieces
    untimed = [dialogue for dialogue in dialogues if dialogue.timeline != "movie"]
    judge_untimed(untimed, found, verdicts)
    time_map = _with_untimed(untimed, pieces, found, soundtrack.duration_s, verdicts)
    if not verdicts.placed:
        return nothing(*_other(dialogues, sounds, soundtrack))
    if _is_dub(dialogues, sounds, found, verdicts):
        return nothing(Refusal.OTHER_LANGUAGE, DUB)
    return _alignment(ids, time_map, verdicts)


def _other(dialogues: Sequence[Dialogue], sounds: MovieSounds, soundtrack: Soundtrack) -> tuple[Refusal, str]:
    """What a recording without the dialogues is: a dub plays what lies between the lines, another film does not."""
    share = max(1, len(dialogues) // (2 * limits.PROBES))
    if find_sound_speed(sounds.pauses(dialogues[::share]), soundtrack, limits.DUB_SHARE) is not None:
        return Refusal.OTHER_LANGUAGE, DUB
    return Refusal.OTHER_MOVIE, "none of the movie's dialogues is heard in this recording"


def _is_dub(dialogues: Sequence[Dialogue], sounds: MovieSounds, found: FoundSounds, verdicts: SoundVerdicts) -> bool:
    """Whether dialogues were placed by their music: then it agrees where they are, and their lines do not."""
    placed = verdicts.placed
    mixed = [d for d in dialogues if d.id in placed and d.id in found.sounds and found.sounds[d.id].has_music]
    share = max(1, len(mixed) // (2 * limits.PROBES))
    better: list[float] = []
    for pauses in sounds.pauses(mixed[::share]):
        start_s = placed[pauses.id].start_s
        lines, between = (
            found.search.peak(sound, found.rate, start_s, _REACH).score for sound in (found.sounds[pauses.id], pauses)
        )
        better.append(between - lines)
    return bool(better) and float(np.median(better)) > limits.OTHER_VOICE


def _stops(dialogues: Sequence[Dialogue], found: FoundSounds) -> list[SoundStop]:
    odd_length = doubted(dialogues, found.sounds)
    return [
        SoundStop(
            id=dialogue.id,
            span=dialogue.span,
            places=found.places[dialogue.id],
            trusted=dialogue.id not in odd_length,
        )
        for dialogue in dialogues
        if dialogue.id in found.sounds
    ]


def _exact_rate(stops: Sequence[SoundStop], path: Mapping[str, FoundSound], rate: float) -> float:
    """The speed at which dialogues of one stretch lie as far apart as in the movie; the present one if that will do."""
    groups: list[list[tuple[float, float]]] = []
    last: tuple[float, float] | None = None
    for stop in stops:
        if stop.id not in path:
            continue
        point = (stop.span.start_ms / 1000, path[stop.id].start_s)
        drift_s = 0.0 if last is None else (point[1] - last[1]) * rate - (point[0] - last[0])
        if last is None or abs(drift_s) > limits.ALIKE_S + 3e-4 * abs(point[0] - last[0]):
            groups.append([])
        groups[-1].append(point)
        last = point
    x: list[float] = []
    y: list[float] = []
    for group in groups:
        if len(group) >= 3:
            movie_s, recording_s = np.array(group).T
            x += list(movie_s - movie_s.mean())
            y += list(recording_s - np.median(recording_s - movie_s / rate) - movie_s.mean() / rate)
    if len(x) < 4:
        return rate
    movie_s, recording_s = np.array(x), np.array(y)
    beside = recording_s - movie_s / rate
    good = np.abs(beside) <= max(0.006, 4 * 1.4826 * float(np.median(np.abs(beside))))
    squares = float((movie_s[good] ** 2).sum())
    slope = float((movie_s[good] * beside[good]).sum()) / max(squares, 1e-9)
    error = float(np.sqrt(((beside - slope * movie_s)[good] ** 2).mean() / max(squares, 1e-9)))
    if abs(slope) < 4 * error or abs(slope) * float(np.ptp(movie_s)) < 0.003:
        return rate
    return float(known_rate(1 / (1 / rate + slope), max(4 * error, 1e-7)))


def _pieces(
    dialogues: Sequence[Dialogue], stretches: Sequence[SoundStretch], rate: float, verdicts: SoundVerdicts
) -> list[Piece]:
    """The stretches as pieces, each long enough for the whole of the dialogues placed by it."""
    edges = [[stretch.from_ms, stretch.to_ms] for stretch in stretches]
    for dialogue in dialogues:
        verdict = verdicts.verdicts.get(dialogue.id)
        if isinstance(verdict, Placed):
            offset_s = verdict.start_s * rate - dialogue.span.start_ms / 1000
            edge = edges[int(np.argmin([abs(stretch.offset_s - offset_s) for stretch in stretches]))]
            edge[0], edge[1] = min(edge[0], dialogue.span.start_ms), max(edge[1], dialogue.span.end_ms)
    exact = known_rate(rate, 1e-9)
    pieces: list[Piece] = []
    for (from_ms, to_ms), stretch in zip(edges, stretches, strict=True):
        start = max(from_ms, pieces[-1].to_ms) if pieces else from_ms
        if to_ms + 1 > start:
            pieces.append(Piece(start, to_ms + 1, exact, Fraction(round(stretch.offset_s * 1_000_000), 1000)))
    return pieces


def _with_untimed(
    dialogues: Sequence[Dialogue],
    pieces: Sequence[Piece],
    found: FoundSounds,
    duration_s: float,
    verdicts: SoundVerdicts,
) -> TimeMap:
    """Give dialogues without movie times the ones they have by the map; without a map, those of the recording."""
    rate = known_rate(found.rate, 1e-9)
    verdict_of = verdicts.placed
    placed = [(dialogue, verdict_of[dialogue.id]) for dialogue in dialogues if dialogue.id in verdict_of]
    if not pieces and placed:
        pieces = [Piece(0, round(duration_s * float(rate) * 1000) + 60_000, rate, Fraction(0))]
    edges = [[piece.from_ms, piece.to_ms] for piece in pieces]
    for dialogue, verdict in placed:
        number = int(np.argmin([_away(piece, verdict.start_s) for piece in pieces]))
        piece, edge = pieces[number], edges[number]
        start_ms = round(verdict.start_s * 1000 * float(piece.rate) - float(piece.offset_ms))
        span = Span(start_ms, start_ms + dialogue.span.duration_ms)
        wider = [min(edge[0], span.start_ms), max(edge[1], span.end_ms + 1)]
        if wider[0] < (edges[number - 1][1] if number else 0) or (
            number + 1 < len(edges) and wider[1] > edges[number + 1][0]
        ):
            detail = "it is heard in a scene that the movie's annotated edition does not have"
            verdicts.refuse(dialogue.id, Refusal.NO_MOVIE_TIME, detail)
            continue
        edges[number] = wider
        verdicts.spans[dialogue.id] = span
    return TimeMap(
        tuple(Piece(start, end, piece.rate, piece.offset_ms) for (start, end), piece in zip(edges, pieces, strict=True))
    )


def _away(piece: Piece, recording_s: float) -> float:
    """How far a moment of the recording lies outside a piece [s]."""
    start, end = float(piece.recording_s(piece.from_ms)), float(piece.recording_s(piece.to_ms))
    return max(0.0, start - recording_s, recording_s - end)


def _alignment(ids: tuple[str, ...], time_map: TimeMap, verdicts: SoundVerdicts) -> Alignment:
    placed = list(verdicts.placed.values())
    return Alignment(
        tier="audio",
        time_map=time_map,
        verdicts={id_: verdicts.verdicts[id_] for id_ in ids},
        error_ms=max(verdict.error_ms for verdict in placed),
        confidence=float(np.median([verdict.confidence for verdict in placed])),
        spans=verdicts.spans,
        wrong_sounds=verdicts.wrong,
    )

"""Which edition a recording is, and where in it each dialogue lies: all kinds of evidence, and one verdict each.

The movie's timing fingerprint decides alone, where the release has one; without it, the sounds that the release brings
of its dialogues. They also say where dialogues without movie times are. Without either, the recording's subtitles are
compared with the words and checked against the sound; voice activity confirms them, or stands alone where there are
none. Kinds of evidence that contradict each other place nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path

from mmdia_dataset.alignment.by_audio.audio_matching import by_audio
from mmdia_dataset.alignment.by_audio.dialogue_sounds import MovieSounds, SoundFiles
from mmdia_dataset.alignment.by_fingerprint.matching import by_fingerprint
from mmdia_dataset.alignment.by_fingerprint.timing_fingerprint import TimingFingerprint
from mmdia_dataset.alignment.by_speech.speech import by_speech
from mmdia_dataset.alignment.by_subtitles.sidecars import subtitle_tracks
from mmdia_dataset.alignment.by_subtitles.subtitles import by_subtitles
from mmdia_dataset.alignment.evidence import Alignment, NotPlaced, Placed, Verdict
from mmdia_dataset.alignment.soundtrack import Soundtrack, hear
from mmdia_dataset.errors import BadFingerprint
from mmdia_dataset.files import state_of
from mmdia_dataset.media import MediaInfo, audio_order, probe, same_language
from mmdia_dataset.refusals import Refusal
from mmdia_dataset.reports import count_text
from mmdia_dataset.schema import (
    Dialogue,
    Edition,
    EditionPiece,
    Evidence,
    Passport,
    PlacedDialogue,
    Reason,
    RecordingInfo,
    RefusedDialogue,
    WrongSound,
)
from mmdia_dataset.timing import rate_text

__all__ = ["UNTIMED", "Decision", "align_recording", "basis_of"]

UNTIMED = Reason(rule=Refusal.NO_MOVIE_TIME, detail="the release does not say when in the movie this dialogue is")
"""Why a dialogue whose times count from itself can't be placed."""

# Part of every edition's basis: raised when the same input would be aligned otherwise.
_METHOD = "4"
_MOST_TRACKS = 8
_NAMED = 5
# So many dialogues whose rhythm is found nowhere say that it is another movie. Chosen, not measured.
_MANY = 12
# Farther apart than this, beyond their bounds, two kinds of evidence are about two things [s]. Chosen, not measured.
_DISAGREE_S = 0.25


@dataclass(frozen=True, slots=True)
class Decision:
    """What was found of one recording.

    Attributes:
        edition: the time map, the dialogues placed and those refused.
        reason: why nothing is placed; None if something is.
        notes: what else a user should know, in sentences.
    """

    edition: Edition
    reason: Reason | None
    notes: tuple[str, ...] = ()


def basis_of(
    dialogues: Sequence[Dialogue],
    passport: Passport | None,
    language: str | None,
    candidates: Sequence[str],
    files: Mapping[str, SoundFiles] | None = None,
) -> str:
    """A hash of all that a decision rests on.

    That is the method, the words and times, the passport, the language asked for, the fingerprints of all recordings
    that were compared, and names, sizes and times of the release's sounds.
    """
    digest = hashlib.sha256(f"{_METHOD}\0{language}\0{sorted(candidates)}".encode())
    if passport is not None:
        data = passport.fingerprint.data if passport.fingerprint else ""
        digest.update(f"\0{passport.language}\0{data}".encode())
    for dialogue in dialogues:
        turns = [(turn.span.start_ms, turn.span.end_ms, turn.text) for turn in dialogue.turns]
        digest.update(
            f"\0{dialogue.id}\0{dialogue.language}\0{dialogue.timeline}\0{dialogue.span}\0{turns}".encode(
                "utf-8", "replace"
            )
        )
    for id_, kinds in (files or {}).items():
        for kind, file in kinds.items():
            digest.update(f"\0{id_}\0{kind}\0{Path(file).name}\0{state_of(file)}".encode("utf-8", "replace"))
    return digest.hexdigest()


def align_recording(
    path: Path,
    recording: RecordingInfo,
    movie: str,
    dialogues: Sequence[Dialogue],
    passport: Passport | None = None,
    language: str | None = None,
    basis: str | None = None,
    files: Mapping[str, SoundFiles] | None = None,
) -> Decision:
    """Find out how a recording's time runs against a movie's.

    Args:
        path: the recording.
        recording: its name and identity, for the edition.
        movie: the movie's id.
        dialogues: all dialogues of the movie in the release, not only those wanted: each is evidence.
        passport: the movie's, if the release has one.
        language: of the sound track to take, if there are several; the passport's by default.
        basis: from `basis_of`, to be kept in the edition.
        files: the sounds that the release has of the dialogues, by id.

    Raises:
        MediaUnreadable, NoAudio, MediaDamaged: its sound can't be read.
    """
    notes: list[str] = []
    timed = [dialogue for dialogue in dialogues if dialogue.timeline == "movie" and dialogue.turns]
    language = language or (passport.language if passport else None)
    reference = _reference(passport, notes)
    files = files or {}
    if reference is not None and timed:
        untimed = [dialogue for dialogue in dialogues if dialogue.timeline != "movie" and dialogue.id in files]
        align = partial(_by_reference, timed, reference, MovieSounds(untimed, files))
        alignment, track = _by_first_track(path, language, notes, align)
    elif files:
        alignment, track = _by_first_track(path, language, notes, partial(by_audio, MovieSounds(dialogues, files)))
        # Sounds that can't be used say nothing about the recording.
        if timed and alignment.reason and alignment.reason.rule == Refusal.TOO_LITTLE_EVIDENCE:
            notes.append(f"the sounds of the release are not used: {alignment.reason.detail}")
            alignment, track = _by_words_and_voices(path, timed, language, notes)
    elif timed:
        alignment, track = _by_words_and_voices(path, timed, language, notes)
    else:
        ids = tuple(dialogue.id for dialogue in dialogues)
        alignment, track = Alignment.nothing("speech", ids, UNTIMED), None
    alignment = alignment.mapped(dialogues)
    notes += [*alignment.notes, *_named(alignment.wrong_sounds)]
    edition = _edition(movie, recording, dialogues, alignment, track, basis)
    return Decision(edition, alignment.reason, tuple(notes))


def _named(wrong_sounds: Mapping[str, str]) -> Iterator[str]:
    """A sentence on the release's sounds that do not fit, with the first of them."""
    if wrong_sounds:
        examples = "; ".join(f"that of {id_} {detail}" for id_, detail in sorted(wrong_sounds.items())[:_NAMED])
        more = f"; and {len(wrong_sounds) - _NAMED} more" if len(wrong_sounds) > _NAMED else ""
        yield f"{count_text(len(wrong_sounds), 'sound')} of the release can't be used: {examples}{more}"


def _reference(passport: Passport | None, notes: list[str]) -> TimingFingerprint | None:
    if passport is None or passport.fingerprint is None:
        return None
    try:
        return TimingFingerprint.from_schema(passport.fingerprint)
    except BadFingerprint as error:
        notes.append(f"its passport is not used: {error}")
        return None


def _by_first_track(
    path: Path, language: str | None, notes: list[str], align: Callable[[Soundtrack], Alignment]
) -> tuple[Alignment, int | None]:
    """What is said of the first sound track in which a dialogue is heard; the track's number if there are several."""
    order = audio_order(path, language)[:_MOST_TRACKS]
    refusal: Alignment | None = None
    for track in order or (None,):  # without a track, hearing says so
        alignment = align(hear(path, language, track))
        if any(isinstance(verdict, Placed) for verdict in alignment.verdicts.values()):
            if track != order[0]:
                notes.append(f"sound track {order[0] + 1} does not match the movie; track {(track or 0) + 1} is used")
            return alignment, track if len(order) > 1 else None
        if refusal is None or (alignment.reason and alignment.reason.rule == Refusal.OTHER_LANGUAGE):
            refusal = alignment
    assert refusal is not None  # noqa: S101 - at least one track was tried
    return refusal, None


def _by_reference(
    timed: list[Dialogue], reference: TimingFingerprint, untimed: MovieSounds, soundtrack: Soundtrack
) -> Alignment:
    """What the fingerprint says of a sound track; dialogues without movie times are placed by their sounds."""
    alignment = by_fingerprint(timed, reference, soundtrack)
    if not alignment.time_map.pieces or not untimed.dialogues:
        return alignment
    found = by_audio(untimed, soundtrack, alignment.time_map)
    if not found.time_map.pieces:
        return alignment
    return replace(
        alignment,
        time_map=found.time_map,
        verdicts={**alignment.verdicts, **found.verdicts},
        spans=found.spans,
        wrong_sounds=found.wrong_sounds,
    )


def _by_words_and_voices(
    path: Path, dialogues: list[Dialogue], language: str | None, notes: list[str]
) -> tuple[Alignment, int | None]:
    """The same without a fingerprint, of the track chosen by language."""
    ids = tuple(dialogue.id for dialogue in dialogues)
    language = language or next((dialogue.language for dialogue in dialogues if dialogue.language), None)
    refusal = _other_language(probe(path), language)
    if refusal is not None:
        return Alignment.nothing("speech", ids, refusal), None
    order = audio_order(path, language)
    track = order[0] if len(order) > 1 else None
    soundtrack = hear(path, language, track)
    if not soundtrack.levels.any():
        reason = Reason(rule=Refusal.TOO_LITTLE_EVIDENCE, detail="the recording's sound track is silent")
        return Alignment.nothing("speech", ids, reason), None
    tracks = subtitle_tracks(path, notes.append)
    voices = _honest(by_speech(dialogues, soundtrack), len(dialogues))
    if not tracks:
        return voices, track
    return _agreed(dialogues, by_subtitles(dialogues, tracks, soundtrack), voices), track


def _honest(voices: Alignment, dialogues: int) -> Alignment:
    """The rhythm of a few dialogues is not found in every recording that has them: that proves nothing."""
    if voices.reason is None or voices.reason.rule != Refusal.OTHER_MOVIE or dialogues >= _MANY:
        return voices
    detail = f"the movie has {count_text(dialogues, 'dialogue')}; to find it by its speech alone takes {_MANY}"
    return Alignment.nothing("speech", tuple(voices.verdicts), Reason(rule=Refusal.TOO_LITTLE_EVIDENCE, detail=detail))


def _other_language(info: MediaInfo, language: str | None) -> Reason | None:
    """A reason if every sound track says what language it is in, and none is in the movie's."""
    tags = [track.language for track in info.audio]
    languages = [tag for tag in tags if tag and tag != "und"]
    if language is None or len(languages) < len(tags) or not languages:
        return None
    if any(same_language(tag, language) for tag in languages):
        return None
    detail = f"the sound is in {', '.join(sorted(set(languages)))}, but the movie's dialogues are in {language}"
    return Reason(rule=Refusal.OTHER_LANGUAGE, detail=detail)


def _agreed(dialogues: list[Dialogue], words: Alignment, voices: Alignment) -> Alignment:
    """What words say, where voices do not contradict it; where words say nothing at all, what voices say."""
    if not any(isinstance(verdict, Placed) for verdict in words.verdicts.values()):
        # Subtitles that are another film's or off their own sound say nothing about the sound.
        silent = words.reason is not None and words.reason.rule in (Refusal.TOO_LITTLE_EVIDENCE, Refusal.OTHER_LANGUAGE)
        return voices if silent or words.reason is None else _doubted(words, voices)
    if voices.reason is not None and voices.reason.rule == Refusal.OTHER_LANGUAGE:
        return Alignment.nothing("subtitles", tuple(words.verdicts), voices.reason)
    verdicts: dict[str, Verdict] = {}
    for dialogue in dialogues:
        read, heard = words.verdicts[dialogue.id], voices.verdicts[dialogue.id]
        verdicts[dialogue.id] = _agreed_verdict(dialogue, read, heard, words)
    return replace(words, verdicts=verdicts)


def _doubted(words: Alignment, voices: Alignment) -> Alignment:
    """What voices say, and a note on why the subtitles are not used."""
    assert words.reason is not None  # noqa: S101
    return replace(voices, notes=(*voices.notes, f"the subtitles are not used: {words.reason.detail}"))


def _agreed_verdict(dialogue: Dialogue, read: Verdict, heard: Verdict, words: Alignment) -> Verdict:
    if isinstance(read, Placed) and isinstance(heard, Placed):
        apart = abs(read.start_s - heard.start_s)
        if apart > _DISAGREE_S + (read.error_ms + heard.error_ms) / 1000:
            detail = f"the subtitles and the speech disagree by {apart:.2f} s about its time"
            return NotPlaced(Reason(rule=Refusal.EVIDENCE_DISAGREES, detail=detail))
        return read
    if isinstance(read, NotPlaced) and read.reason.rule == Refusal.TOO_LITTLE_EVIDENCE and isinstance(heard, Placed):
        place = words.time_map.place(dialogue.span)
        if place is not None and abs(float(place[0]) - heard.start_s) <= heard.error_ms / 1000:
            return replace(heard, start_s=float(place[0]))
    return read


def _edition(
    movie: str,
    recording: RecordingInfo,
    dialogues: Sequence[Dialogue],
    alignment: Alignment,
    track: int | None,
    basis: str | None,
) -> Edition:
    pieces = tuple(
        EditionPiece(
            from_ms=piece.from_ms,
            to_ms=piece.to_ms,
            rate=rate_text(piece.rate),
            offset_ms=float(Fraction(round(piece.offset_ms * 1000), 1000)),
        )
        for piece in alignment.time_map.pieces
    )
    placed: list[PlacedDialogue] = []
    refused: list[RefusedDialogue] = []
    for dialogue in dialogues:
        verdict = alignment.verdicts.get(dialogue.id)
        if isinstance(verdict, Placed):
            evidence = Evidence(
                tier=alignment.tier,
                error_ms=round(verdict.error_ms, 1),
                confidence=round(max(0.0, min(1.0, verdict.confidence)), 3),
            )
            span = alignment.spans.get(dialogue.id, dialogue.span)
            placed.append(PlacedDialogue(id=dialogue.id, span=span, evidence=evidence))
        else:
            reason = verdict.reason if verdict else UNTIMED
            refused.append(RefusedDialogue(id=dialogue.id, reasons=(reason,)))
    whole = Evidence(
        tier=alignment.tier,
        error_ms=None if alignment.error_ms is None else round(alignment.error_ms, 1),
        confidence=round(max(0.0, min(1.0, alignment.confidence)), 3),
    )
    return Edition(
        movie=movie,
        recording=recording,
        pieces=pieces if placed else (),
        evidence=whole,
        placed=tuple(placed),
        refused=tuple(refused),
        wrong_sounds=tuple(WrongSound(id=id_, detail=detail) for id_, detail in sorted(alignment.wrong_sounds.items())),
        track=track,
        basis=basis,
    )

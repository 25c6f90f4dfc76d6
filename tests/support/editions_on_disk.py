"""Editions as files: releases that annotate the films of `editions`, recordings of their sound, subtitles beside them.

Recordings are sound alone unless a picture is asked for: minutes of sound are written in a fraction of a second. FLAC
keeps 16 bits of every sample, so that a clip can be compared with the samples it was cut from.
"""

from __future__ import annotations

import json
import random
import wave
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile

from mmdia_dataset.schema import Dialogue
from mmdia_dataset.timing import format_timestamp
from tests.support import films
from tests.support.editions import RATE, Edition, Film


@dataclass(frozen=True, eq=False)
class Sound:
    """One sound track to be written: mono samples at RATE, what language it is said to be in, how many channels."""

    samples: np.ndarray
    language: str | None = None
    layout: str = "mono"
    default: bool = False


def words_of(dialogue: Dialogue, seed: int) -> list[str]:
    """What each turn says, as many words as the film's script has, rare enough to tell dialogues apart."""
    drawn = random.Random(f"{seed} {dialogue.number}")

    def word() -> str:
        return "".join(drawn.choice("bdfgklmnprstvz") + drawn.choice("aeiou") for _ in range(drawn.choice((2, 3))))

    return [" ".join(word() for _ in turn.text.split()).capitalize() + "." for turn in dialogue.turns]


def annotate(release: Path, movie: str, film: Film, numbers: Sequence[int] | None = None) -> Path:
    """Write a film's annotations in dialect 1; `numbers` leaves the other dialogues out."""
    clips = [_clip(dialogue, film.seed) for dialogue in film.dialogues if numbers is None or dialogue.number in numbers]
    file = release / "json" / "movie" / f"{movie}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"movie": movie, "clips": clips}), encoding="utf-8")
    return file


def _clip(dialogue: Dialogue, seed: int) -> dict:
    start = dialogue.span.start_ms
    return {
        "clip_id": dialogue.number,
        "srt": [
            {
                "index": turn.cue,
                "abs_start_time": format_timestamp(turn.span.start_ms),
                "abs_end_time": format_timestamp(turn.span.end_ms),
                "relative_start": format_timestamp(turn.span.start_ms - start),
                "relative_end": format_timestamp(turn.span.end_ms - start),
                "text": words,
                "character_annotation": f"{dialogue.speakers[turn.speaker].name}: {words}",
            }
            for turn, words in zip(dialogue.turns, words_of(dialogue, seed), strict=True)
        ],
        "speaker": [speaker.name for speaker in dialogue.speakers],
        "style_annotation": {"Tags": ["friends", "greeting", "warm"], "Summary": "Both are glad."},
        "relationship": "Friends",
        "interaction_type": "Social Banter",
    }


def write_sound(path: Path, samples: np.ndarray, rate: int = RATE) -> Path:
    """A recording of one mono track, FLAC or WAV by its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, pcm(samples), rate, subtype="PCM_16")
    return path


def write_dialogue_sounds(
    release: Path, movie: str, film: Film, numbers: Sequence[int] | None = None, kind: str = "_orig"
) -> Mapping[int, Path]:
    """The film's own sound of each dialogue, as a release brings it: to 0.1 s after its end. Files by number."""
    files = {}
    for dialogue in film.dialogues:
        if numbers is None or dialogue.number in numbers:
            name = f"clip_{dialogue.number:03}"
            span = slice(dialogue.span.start_ms * RATE // 1000, (dialogue.span.end_ms + 100) * RATE // 1000)
            file = release / "audio" / "movie" / movie / name / f"{name}{kind}.wav"
            files[dialogue.number] = write_sound(file, film.samples()[span])
    return files


def write_tracks(path: Path, *tracks: Sound, fps: int | None = None, seconds: float | None = None) -> Path:
    """A recording of several lossless tracks, with a picture of so many frames a second that carry their number.

    The picture is as long as the first track, or `seconds`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as out:
        video = None
        if fps is not None:
            video = out.add_stream("mpeg4", rate=fps, options={"b": "300k", "g": "12", "threads": "1"})
            video.width, video.height, video.pix_fmt = 160, 90, "yuv420p"
        sounds = []
        for track in tracks:
            stream = out.add_stream("flac", rate=RATE, layout=track.layout, format="s16")
            if track.language:
                stream.metadata["language"] = track.language
            stream.disposition = av.stream.Disposition.default if track.default else av.stream.Disposition(0)
            sounds.append((stream, track, pcm(track.samples)))
        length = seconds if seconds is not None else len(tracks[0].samples) / RATE
        for second in range(int(max([length, *(len(track.samples) / RATE for track in tracks)])) + 1):
            if video is not None and fps is not None:
                for number in range(second * fps, min((second + 1) * fps, int(length * fps))):
                    out.mux(video.encode(_picture(number, fps)))
            for stream, track, values in sounds:
                part = values[second * RATE : (second + 1) * RATE]
                if len(part):
                    out.mux(stream.encode(_sound(part, track.layout, second * RATE)))
        for stream in out.streams:
            out.mux(stream.encode(None))
    return path


def _picture(number: int, fps: int) -> av.VideoFrame:
    frame = av.VideoFrame(160, 90, "yuv420p")
    for plane, values in zip(frame.planes, (films.picture(number, (160, 90)), None, None), strict=True):
        padded = np.full((plane.height, plane.line_size), 128, np.uint8)
        if values is not None:
            padded[:, :160] = values
        plane.update(padded)
    frame.pts, frame.time_base = number, Fraction(1, fps)
    return frame


def _sound(values: np.ndarray, layout: str, pts: int) -> av.AudioFrame:
    channels = av.AudioLayout(layout).nb_channels
    packed = np.ascontiguousarray(np.repeat(values[:, None], channels, 1).reshape(1, -1))
    frame = av.AudioFrame.from_ndarray(packed, "s16", layout)
    frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), pts
    return frame


def write_subtitles(path: Path, film: Film, made: Edition, late_s: float = 0.0) -> Path:
    """A film's lines as a SubRip file that fits an edition: each shown while it is said; lines it lacks left out."""
    cues = []
    for dialogue, lines in zip(film.dialogues, film.lines, strict=True):
        for line, words in zip(lines, words_of(dialogue, film.seed), strict=True):
            for start, end, shift in made.pieces:
                if start <= line.start_s and line.end_s <= end:
                    times = [(second + shift) / float(made.rate) + late_s for second in (line.start_s, line.end_s)]
                    cues.append((*(format_timestamp(round(time * 1000)) for time in times), words))
    blocks = [f"{n}\n{start} --> {end}\n{words}\n" for n, (start, end, words) in enumerate(cues, 1)]
    path.write_text("\n".join(blocks), encoding="utf-8")
    return path


def pcm(samples: np.ndarray) -> np.ndarray:
    """Samples as 16-bit recordings hold them."""
    return np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16)


def clip_samples(file: Path) -> np.ndarray:
    """The samples of a clip of mode audio: (samples,) for mono, else (samples, channels)."""
    with wave.open(str(file)) as clip:
        values = np.frombuffer(clip.readframes(clip.getnframes()), "<i2")
        return values if clip.getnchannels() == 1 else values.reshape(-1, clip.getnchannels())


def found_at(clip: np.ndarray, recording: np.ndarray, near: int, reach: int = 2000) -> int:
    """The sample of a recording at which a clip cut from it begins: near the one expected, equal to the last bit.

    Raises:
        AssertionError: it is nowhere near.
    """
    for at in sorted(range(max(0, near - reach), near + reach), key=lambda at: abs(at - near)):
        if np.array_equal(recording[at : at + 256], clip[:256]) and np.array_equal(
            recording[at : at + len(clip)], clip
        ):
            return at
    raise AssertionError(f"the clip is not from around sample {near}")


def passports_of(release: Path) -> Mapping[str, Path]:
    """The passport files of a release by movie."""
    return {file.stem: file for file in sorted((release / "passports").glob("*.json"))}

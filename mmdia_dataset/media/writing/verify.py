"""Checks finished clips: quickly from the index, or thoroughly by decoding."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.errors import MediaDamaged
from mmdia_dataset.media.containers.mp4index import read_tracks
from mmdia_dataset.media.probe import best_audio, best_video, open_media

__all__ = ["check_clip", "counts", "verify"]

_SLACK = Fraction(1, 10)


def check_clip(
    path: str | os.PathLike[str], times: Sequence[int] | NDArray[np.int64], clock: Fraction, end: Fraction, sound: bool
) -> None:
    """Read a copied clip's index back from disk, as a player would, and compare it with the expected times.

    The index decides what a player shows: where each sample is in the file, when it is shown, and whether the edit list
    hides it. This does not read the media data; `verify` finds damage there.

    Args:
        path: the clip.
        times: when each frame should be shown, in ticks from the clip's start.
        clock: seconds per tick.
        end: when the last frame is over, in seconds.
        sound: whether there is a sound track. It must last from the start to within 100 ms of the end.

    Raises:
        MediaDamaged: it shows other frames, at other times, stops early, or lacks data.
    """
    try:
        with Path(path).open("rb") as file:
            tracks = read_tracks(file.fileno())
        shown = tracks[0].shown() if tracks else np.zeros(0, np.int64)
        for track in tracks:
            track.must_lie_in_file()
    except (ValueError, KeyError) as error:
        raise MediaDamaged(f"the clip's index is broken ({error})", where=path) from error
    if [track.kind for track in tracks] != ["vide", "soun"][: 1 + sound]:
        raise MediaDamaged("the clip lacks a track", where=path)
    video = tracks[0]
    per_tick = clock * video.timescale
    expected = np.asarray(times, np.int64) * per_tick.numerator
    if video.delay or per_tick.denominator != 1 or not np.array_equal(shown, expected):
        raise MediaDamaged(f"the clip shows {len(shown)} frames instead of {len(times)}, or at other times", where=path)
    if abs(video.end - end) * video.timescale > 1:
        raise MediaDamaged(f"the clip lasts {float(video.end):.3f} s instead of {float(end):.3f} s", where=path)
    for track in tracks[1:]:
        if track.delay > _SLACK or track.material_end < end - _SLACK:
            span = f"from {float(track.delay):.3f} s to {float(track.material_end):.3f} s"
            raise MediaDamaged(f"the clip's sound runs {span}, but its picture lasts {float(end):.3f} s", where=path)


def verify(path: str | os.PathLike[str]) -> list[str]:
    """Decode a whole media file, strictly, and list its faults, one sentence each; empty if it is whole.

    This is slow, and the only way to see damage inside packets. Pictures that need data before a clip's first keyframe
    (leading pictures of an open GOP) are hidden, so their faults are not counted.

    Raises:
        MediaUnreadable: it can't be opened.
    """
    faults: list[str] = []
    with open_media(path) as media:
        for stream in [track for track in (best_video(media), best_audio(media)) if track is not None]:
            kind, expected, decoded = stream.type, 0, 0
            if stream.start_time is not None:
                media.seek(stream.start_time, stream=stream)
            stream.codec_context.options = {"err_detect": "explode"}
            for packet in media.demux(stream):
                hidden = packet.is_discard or (packet.pts is not None and packet.pts < 0)
                expected += bool(packet.size) and not hidden
                when = "" if packet.pts is None else f" at {float(packet.pts * packet.time_base):.3f} s"
                try:
                    frames = packet.decode()
                except av.error.FFmpegError as error:
                    if not hidden:
                        faults.append(f"the {kind} can't be decoded{when} ({error.strerror})")
                    continue
                decoded += len(frames)
                faults += [f"the {kind} is broken{when}" for frame in frames if getattr(frame, "is_corrupt", False)]
            if kind == "video" and decoded != expected:
                faults.append(f"{decoded} of {expected} frames can be decoded")
            if kind == "audio" and expected and not decoded:
                faults.append("no sound can be decoded")
    return faults


def counts(path: str | os.PathLike[str]) -> tuple[int | None, int | None]:
    """Decode a file and count the frames it shows and the samples per channel it plays, without hidden ones.

    None for a missing track; data that can't be decoded does not count.

    Raises:
        MediaUnreadable: it can't be opened.
    """
    totals: list[int | None] = []
    with open_media(path) as media:
        tracks = best_video(media), best_audio(media)
    for kind, track in zip(("video", "audio"), tracks, strict=True):
        if track is None:
            totals.append(None)
            continue
        total = 0
        with open_media(path) as media:
            stream = best_video(media) if kind == "video" else best_audio(media)
            assert stream is not None  # noqa: S101 - it was there a moment ago
            for packet in media.demux(stream):
                try:
                    frames = packet.decode()
                except av.error.FFmpegError:
                    continue
                total += sum(getattr(frame, "samples", 1) for frame in frames)
        totals.append(total)
    return totals[0], totals[1]

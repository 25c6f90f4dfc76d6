"""Where samples come from: the sounds of a release, without any film."""

from __future__ import annotations

import hashlib
import io
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import soundfile

from mmdia_dataset.errors import MediaError, UsageError
from mmdia_dataset.files import content_of
from mmdia_dataset.media import probe
from mmdia_dataset.processes import Progress, in_processes
from mmdia_dataset.refusals import Refusal
from mmdia_dataset.release import LISTENED_TO, ReleaseAudio, first_kind, open_release
from mmdia_dataset.schema import AudioKind, Dialogue, MadeLine, Mode, Reason, RefusedLine, SampleFile, Split
from mmdia_dataset.shards.clip_stock import Item, LeftOut, PackedClips, Stock
from mmdia_dataset.shards.keys import key_of
from mmdia_dataset.shards.planning import Sized, member_bytes
from mmdia_dataset.shards.tar_samples import JSON, member_of, sample_bytes, sample_of_release

__all__ = ["ReleaseStock", "release_stock"]

_AT_ONCE = 64  # files that a process reads before it answers


@dataclass(slots=True, kw_only=True)
class ReleaseStock(Stock):
    """The same of a release: no clip was cut, so the manifest has only what is left out."""

    refused: list[RefusedLine] = field(default_factory=list)

    def manifest(self) -> Iterator[MadeLine | RefusedLine]:
        """What is in no shard, and why."""
        yield from self.refused

    def edition(self, movie: str) -> bytes | None:
        """None: no recording was used."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sound:
    """A sound file: its hash, size and length; or why it can't be read."""

    sha256: str = ""
    size: int = 0
    samples: int | None = None
    length_s: float = 0.0
    fault: str = ""


def release_stock(
    root: Path, split: Split | None = None, *, jobs: int = 1, progress: Progress | None = None
) -> ReleaseStock:
    """What a release has to pack: every dialogue with its sound; where it has videos alone, with its video.

    Args:
        root: the release.
        split: split of the dialogues to pack; all by default.
        jobs: processes that read and hash the files.
        progress: called with the number of files read.

    Raises:
        UsageError: it has no sound, or sounds of several file types.
        ReleaseNotFound, ReleaseUnreadable: there are no annotations.
    """
    release = open_release(root.absolute())
    audio = ReleaseAudio.of(release.root)
    if not audio:
        raise UsageError(
            "this release has no sound to pack",
            where=root,
            hint="give --media, the folder of your films, or put the decoded sound into the release's folder audio/",
        )
    dialogues = [
        (zlib.compress(dialogue.model_dump_json(round_trip=True).encode(), 1), release.splits_of(dialogue.id), files)
        for dialogue in release.dialogues()
        if split is None or split in release.splits_of(dialogue.id)
        for files in [audio.names_of(dialogue)]
    ]
    apart = tuple(kind for kind in LISTENED_TO if kind != "film")
    kinds: tuple[AudioKind, ...] = apart if any(first_kind(files, apart) for *_, files in dialogues) else ("film",)
    chosen = [None if (kind := first_kind(files, kinds)) is None else (kind, files[kind]) for *_, files in dialogues]
    _check_endings({Path(sound[1]).suffix.lower() for sound in chosen if sound is not None}, root)
    sounds = _read([sound[1] for sound in chosen if sound is not None], jobs, progress)
    packable = ReleaseStock(source=PackedClips(audio.root), modes=("audio",), split=split)
    members = {JSON}
    for (packed, splits, _), sound in zip(dialogues, chosen, strict=True):
        dialogue = Dialogue.model_validate_json(zlib.decompress(packed))
        if sound is None:
            _leave_out(packable, dialogue, splits, Refusal.NO_SOUND, "the release has no sound of this dialogue")
            continue
        kind, name = sound
        known = sounds[name]
        if known.fault:
            why = f"{audio.inside(name)} can't be read ({known.fault})"
            _leave_out(packable, dialogue, splits, Refusal.CLIP_UNREADABLE, why)
            continue
        item, size = _item(dialogue, splits, kind, audio.inside(name), known)
        members.add(item.files[0][0])
        packable.sized.append(Sized(len(packable.items), item.key, splits, size))
        packable.items.append(item)
    packable.members = tuple(sorted(members))
    return packable


def _item(dialogue: Dialogue, splits: tuple[Split, ...], kind: AudioKind, file: str, sound: _Sound) -> tuple[Item, int]:
    """The sample of a dialogue with this sound, and the bytes it takes in a tar."""
    mode: Mode = "copy" if kind == "film" else "audio"
    member = member_of(file, mode)
    stored = SampleFile(
        member=member,
        mode=mode,
        sha256=sound.sha256,
        size=sound.size,
        rate="1/1",
        length_s=round(sound.length_s, 6),
        frames=None,
        samples=sound.samples,
    )
    text = sample_bytes(sample_of_release(dialogue, splits, kind, stored))
    files = ((member, file, sound.size, sound.sha256),)
    size = member_bytes(len(text)) + member_bytes(sound.size)
    return Item(dialogue.id, key_of(dialogue.id), zlib.compress(text, 1), files), size


def _leave_out(
    packable: ReleaseStock, dialogue: Dialogue, splits: tuple[Split, ...], rule: Refusal, detail: str
) -> None:
    packable.leave_out(LeftOut(dialogue.id, rule, detail))
    packable.refused.append(
        RefusedLine(
            id=dialogue.id,
            movie=dialogue.movie,
            splits=splits,
            mode="audio",
            span=dialogue.span,
            status="refused",
            reasons=(Reason(rule=rule, detail=detail),),
        )
    )


def _check_endings(endings: set[str], root: Path) -> None:
    """A sample's sound has one name in all of them. Raises UsageError."""
    if len(endings) > 1:
        raise UsageError(
            f"the release has sounds of several file types ({', '.join(sorted(endings))}), but shards need one",
            where=root,
            hint="convert those of one type to the other",
        )


def _read(files: list[str], jobs: int, progress: Progress | None) -> dict[str, _Sound]:
    sounds: dict[str, _Sound] = {}
    tasks = [tuple(files[start : start + _AT_ONCE]) for start in range(0, len(files), _AT_ONCE)]
    for names, read in in_processes(_sounds, tasks, jobs):
        sounds.update(zip(names, read or [_Sound(fault="reading it ends the program")] * len(names), strict=True))
        if progress:
            progress("reading sounds", len(sounds), len(files))
    return sounds


def _sounds(names: tuple[str, ...]) -> list[_Sound]:
    """Files of sound, each read once. Runs in a process of its own."""
    return [_sound(name) for name in names]


def _sound(name: str) -> _Sound:
    try:
        data = content_of(name, os.stat(name).st_size)  # noqa: PTH116 - 50,000 of them
        samples, length_s = _length(name, data)
    except OSError as error:
        return _Sound(fault=error.strerror or str(error))
    except (MediaError, soundfile.LibsndfileError) as error:
        return _Sound(fault=str(error).splitlines()[0].rstrip("."))
    return _Sound(sha256=hashlib.sha256(data).hexdigest(), size=len(data), samples=samples, length_s=length_s)


def _length(name: str, data: bytes) -> tuple[int | None, float]:
    """Samples per channel, if the file says, and seconds."""
    try:
        info = soundfile.info(io.BytesIO(data))
    except soundfile.LibsndfileError:
        media = probe(name)  # a video, or sound in MP4
        if media.duration_s is None:
            raise
        return None, float(media.duration_s)
    return info.frames, info.frames / info.samplerate

"""Write the demo film and its release in `mmdia_dataset/demofilm/`, or check that they are up to date.

python tools/make_demofilm.py --write
python tools/make_demofilm.py --check

Encoders of other versions write other bytes, so `--check` encodes nothing. It decodes the film and compares it with
freshly drawn pictures and freshly made sound; annotations and times must be equal.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from demofilm import FRAME_RATE, make_demo_film, write_release
from demofilm.picture import frames
from demofilm.script import DIALOGUES
from demofilm.sounds import FILM_RATE, soundtrack
from demofilm.timeline import Timeline, timeline

from mmdia_dataset.demofilm import DATA, DURATION_S

LARGEST = 3_000_000
"""Most bytes of film to keep in git."""
PICTURE_OFF, COLOUR_OFF = 3.0, 5.0
"""Mean difference of a picture's values from those drawn, and of the mean colour of any 20 x 20 pixels [levels of 255].
The encoder's own losses reach 2.2 and 3.6."""
SOUND_OFF = 0.1
"""Difference of any half second of sound from the one made, as a part of it (root mean square). AAC's reaches 0.06."""
BLOCK = 20
AAC_FRAME = 1024


def release_faults(checked: Path, film: Timeline) -> Iterator[str]:
    """Files of a release that differ from the story's, byte for byte."""
    with tempfile.TemporaryDirectory() as temporary:
        write_release(Path(temporary), DIALOGUES, film)
        expected, present = (
            {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
            for folder in (Path(temporary), checked)
        )
    for name in sorted(expected.keys() | present.keys()):
        if expected.get(name) != present.get(name):
            yield f"release/{name} differs"


def picture_faults(path: Path, film: Timeline) -> Iterator[str]:
    """The first picture that is off, in looks or in time, and a wrong number or length of them."""
    count = int(-(-film.duration_ms * FRAME_RATE // 1000))
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        length = Fraction(video.duration or 0) * (video.time_base or 0)
        if (video.frames, length) != (count, count / FRAME_RATE):
            yield f"{video.frames} pictures in {float(length):.3f} s, not {count} in {float(count / FRAME_RATE):.3f} s"
        for number, (shown, drawn) in enumerate(
            zip(container.decode(video), frames(film, FRAME_RATE, video.height, 0), strict=False)
        ):
            if (shown.pts or 0) * (shown.time_base or 0) != number / FRAME_RATE:
                yield f"picture {number} is shown at another time"
                return
            whole, colour = differences(shown.to_ndarray(format="rgb24"), drawn)
            if whole > PICTURE_OFF or colour > COLOUR_OFF:
                yield f"picture {number} differs by {whole:.1f} levels, a part's colour by {colour:.1f}"
                return


def differences(shown: npt.NDArray[Any], drawn: npt.NDArray[np.uint8]) -> tuple[float, float]:
    """How far two pictures (height, width, 3) differ: their values on average, and the colour of the worst block."""
    off = shown.astype(np.int16) - drawn
    rows, columns = off.shape[0] // BLOCK, off.shape[1] // BLOCK
    blocks = off[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK, 3).mean(axis=(1, 3))
    return float(np.abs(off).mean()), float(np.abs(blocks).max())


def sound_faults(path: Path, film: Timeline) -> Iterator[str]:
    """The first half second of sound that is off, and a wrong number of samples."""
    expected = soundtrack(film, 0)
    with av.open(str(path)) as container:
        audio = container.streams.audio[0]
        decoded = list(container.decode(audio))
    heard = np.concatenate([frame.to_ndarray() for frame in decoded], axis=1)
    # Some decoders give the silence with which the last AAC frame is filled up.
    if audio.rate != FILM_RATE or decoded[0].pts != 0 or not 0 <= heard.shape[1] - expected.shape[1] < AAC_FRAME:
        yield f"{heard.shape[1]} samples at {audio.rate} Hz, not {expected.shape[1]} at {FILM_RATE}"
        return
    for start in range(0, expected.shape[1], FILM_RATE // 2):
        here = slice(start, min(start + FILM_RATE // 2, expected.shape[1]))
        off = float(np.sqrt(np.square(heard[:, here] - expected[:, here]).mean()))
        if off > SOUND_OFF * float(np.sqrt(np.square(expected[:, here]).mean())):
            yield f"the sound at {start / FILM_RATE:.1f} s differs"
            return


def faults() -> list[str]:
    """What in the package's data is not what the maker makes, one sentence each."""
    film = timeline(DIALOGUES)
    path = DATA / "film.mp4"
    if not path.is_file():
        return ["film.mp4 is missing"]
    problems = [*release_faults(DATA / "release", film), *picture_faults(path, film), *sound_faults(path, film)]
    if round(DURATION_S * 1000) != film.duration_ms:
        problems.append(
            f"DURATION_S in mmdia_dataset/demofilm/__init__.py is {DURATION_S}, not {film.duration_ms / 1000}"
        )
    if path.stat().st_size > LARGEST:
        problems.append(f"film.mp4 has {path.stat().st_size:,} bytes, more than {LARGEST:,}")
    return problems


def write() -> None:
    """Make the film and put it and its release in place of those there."""
    with tempfile.TemporaryDirectory() as temporary:
        demo = make_demo_film(Path(temporary))
        shutil.copyfile(demo.film, DATA / "film.mp4")
        shutil.rmtree(DATA / "release", ignore_errors=True)
        shutil.copytree(demo.release, DATA / "release")


def main() -> int:
    """Write or check; 1 if a check fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--write", action="store_true", help="write the film and its release")
    group.add_argument("--check", action="store_true", help="fail if they differ from what the maker makes")
    if parser.parse_args().write:
        write()
    problems = faults()
    if problems:
        sys.stderr.write(f"out of date: {'; '.join(problems)}; run python tools/make_demofilm.py --write\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

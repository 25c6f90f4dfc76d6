"""Mode `encode` against ffmpeg's own command, a process per clip, at equal settings; and what the encoders alone take.

Films of ten minutes with clips as dense as in two hours: x264 alone would take an hour for all of those.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from bench_copy import per_clip
from bench_films import FFMPEGS, exactness, large, repeated, spans
from bench_report import Run, Show, busy, goal, python

from tests.support import films

ENCODE = """
import json, sys
from pathlib import Path
from mmdia_dataset.clips import EncodeSettings, MadeClip, Wish, cut
from mmdia_dataset.timing import Span, TimeMap
film, out, spans = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
settings = EncodeSettings(**json.loads(sys.argv[4]))
wishes = [Wish(id=str(n), movie="film", span=Span(a, b)) for n, (a, b) in enumerate(spans)]
for result in cut(film, TimeMap.linear(), wishes, settings, lambda wish: out / f"{wish.id}.mp4"):
    assert isinstance(result, MadeClip), result
"""

# What nobody can do without: the encoders, fed from memory. The pictures are decoded and scaled beforehand, unmeasured.
ALONE = """
import json, resource, sys
from fractions import Fraction
import av
from mmdia_dataset.media import OpenRecording, Pictures, Sound, SpanFinder, Upright
def used():
    now = resource.getrusage(resource.RUSAGE_SELF)
    return now.ru_utime + now.ru_stime
film, cuts, height = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
picture = sound = 0.0
with OpenRecording(film) as source, SpanFinder(source) as finder, Pictures(film) as pictures:
    look = Upright.of(pictures.video, height, even=True, form="yuv420p")
    heard = Sound(source, rate=None, mono=False, floats=True, lookup=finder.lookup)
    for start, end in cuts:
        span = finder.stretch(Fraction(start, 1000), Fraction(end, 1000), lead=Fraction(3, 10), tail=Fraction(1, 10))
        frames = [look(pictures.take(pts)) for pts in span.shown]
        samples, rate = heard.of(span)
        x264, aac = av.CodecContext.create("libx264", "w"), av.CodecContext.create("aac", "w")
        x264.width, x264.height, x264.pix_fmt = frames[0].width, frames[0].height, "yuv420p"
        x264.time_base, x264.framerate = Fraction(1001, 24000), Fraction(24000, 1001)
        x264.options = {"preset": "veryfast", "crf": "20", "threads": "1"}
        aac.sample_rate, aac.layout, aac.format, aac.bit_rate = rate, "stereo", "fltp", 192_000
        aac.options = {"aac_coder": "fast"}
        begun = used()
        for n, frame in enumerate(frames):
            frame.pts, frame.time_base, frame.pict_type = n, x264.time_base, 0
            x264.encode(frame)
        x264.encode(None)
        picture, begun = picture + used() - begun, used()
        frame = av.AudioFrame.from_ndarray(samples.T.copy(), "fltp", "stereo")
        frame.sample_rate, frame.pts = rate, 0
        aac.encode(frame)
        aac.encode(None)
        sound += used() - begun
print(json.dumps([picture, sound]))
"""

# Nor without decoding each picture that any clip shows once, with those it is made from, and scaling it.
ONCE = """
import json, resource, sys
from fractions import Fraction
from mmdia_dataset.media import OpenRecording, Pictures, SpanFinder, Upright
def used():
    now = resource.getrusage(resource.RUSAGE_SELF)
    return now.ru_utime + now.ru_stime
film, cuts, height = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
with OpenRecording(film) as source, SpanFinder(source) as finder, Pictures(film) as pictures:
    look = Upright.of(pictures.video, height, even=True, form="yuv420p")
    spans = [finder.stretch(Fraction(a, 1000), Fraction(b, 1000), lead=Fraction(0)) for a, b in cuts]
    begun = used()
    for pts in sorted({pts for span in spans for pts in span.shown}):
        look(pictures.take(pts))
    print(used() - begun)
"""


def compare(work: Path, short: films.Film, clips: int, cost: Run, show: Show) -> None:
    """As large as the film and smaller, of a small film and a large one, as dense as so many clips in two hours."""
    minutes = 10.0
    cuts = spans(minutes, max(1, round(clips * minutes / 120)))
    minute = large(short, work / "film-large.mkv")
    big = films.Film(repeated(minute, round(minutes), work / "film-large-10.mkv"), minute.times, (), minute.size)
    for film, height in ((short, None), (short, 180), (big, 360), (big, 180)):
        size = film.size if height is None else (height * film.size[0] // film.size[1], height)
        words = "as it is" if height is None else f"{height} lines"
        print(
            f"encode: {len(cuts)} clips of {minutes:g} min, "
            f"{film.size[0]}x{film.size[1]}, {words}, libx264 veryfast crf 20, AAC 192 kbit/s"
        )
        ours_at, peer_at = work / "encode", work / "encode-ffmpeg"
        shutil.rmtree(ours_at, ignore_errors=True)
        settings = {"crf": 20, "preset": "veryfast", "height": height}
        started = busy()
        ours = cost(python(ENCODE, film.path, ours_at, json.dumps(cuts), json.dumps(settings)))
        options = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20"]
        scaled = ["-vf", f"scale=-2:{height}"] if height else []
        sound = ["-c:a", "aac", "-b:a", "192k", "-aac_coder", "fast"]
        # The numbers in smaller pictures can't be read.
        read = size[1] >= 360
        right = exactness(film.path, len(film.times), size, ours_at, cuts) if read else ""
        show("mmdia encode", ours, note=f"{right} {started}")
        few = cuts[::5]
        done = subprocess.run(
            python(ALONE, film.path, json.dumps(few), json.dumps(height)), capture_output=True, check=True, text=True
        )
        each = sum(b - a for a, b in cuts) / sum(b - a for a, b in few)
        picture, heard = (part * each for part in json.loads(done.stdout))
        done = subprocess.run(
            python(ONCE, film.path, json.dumps(cuts), json.dumps(height)), capture_output=True, check=True, text=True
        )
        once = float(done.stdout)
        print(
            f"  x264 alone {picture:.1f} s CPU, AAC alone {heard:.1f} s, fed from memory (from {len(few)} clips); "
            f"decoding and scaling each picture once {once:.1f} s"
        )
        for name, exe in FFMPEGS.items():
            peer = cost(*per_clip(film.path, cuts, peer_at, [*scaled, *options, *sound], ".mp4", exe))
            right = exactness(film.path, len(film.times), size, peer_at, cuts) if read else ""
            show(f"{name}, one per clip", peer, ours, right)
            alone = picture + heard
            print(
                f"  {peer.cpu / (alone + once):.2f}x would be the most that can be, "
                f"with no decoding at all {peer.cpu / alone:.2f}x"
            )
            goal(f"against {name}", peer.cpu / ours.cpu, least=2)

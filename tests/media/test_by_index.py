"""Spans found and sound read by a recording's own index: the same as by way of libavformat."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from mmdia_dataset.clips import AudioSettings, MadeClip, cut
from mmdia_dataset.media import OpenRecording, Sound, SpanFinder
from mmdia_dataset.media.sound.samples import LEAD, TAIL
from mmdia_dataset.media.sound.tape import PacketTape
from mmdia_dataset.timing import TimeMap
from tests.support.films import Track, make_film
from tests.support.wishes import into, wish

KINDS = {
    "aac.mp4": [Track()],
    "aac.mkv": [Track()],
    "second.mkv": [Track("ac3", seed=1, language="fra"), Track("eac3", seed=2, language="eng", layout="5.1")],
    "mp3.mkv": [Track("libmp3lame")],
    "opus.webm": [Track("libopus")],
    "flac.mkv": [Track("flac")],
    "flac.mp4": [Track("flac")],
}
SPANS = [(4300, 5100), (4900, 8100), (5000, 5200), (8050, 9900), (10000, 10400)]


@pytest.fixture(scope="session")
def film(tmp_path_factory):
    def get(kind: str):
        path = tmp_path_factory.getbasetemp() / f"lookup-{kind}"
        codec = {"codec": "libvpx-vp9", "options": {"deadline": "realtime", "cpu-used": "8", "g": "30"}}
        if not path.exists():
            make_film(path, seconds=12, tracks=KINDS[kind], **(codec if kind.endswith("webm") else {}))
        return path

    return get


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", [{}, {"rate": 16000, "mono": True, "floats": True}])
def test_the_index_gives_the_same_frames_and_samples(film, kind, form, monkeypatch):
    form = {"rate": None, "mono": False} | form
    spans = [(Fraction(start, 1000), Fraction(end, 1000)) for start, end in SPANS]
    with OpenRecording(film(kind), "eng") as source:
        plain, slow = [], Sound(source, **form)
        for start, end in spans:
            stretch = source.stretch(start, end, lead=LEAD, tail=TAIL, pictures=False)
            plain.append((stretch.start, stretch.end, stretch.shown, *slow.of(stretch)))
    monkeypatch.delattr(PacketTape, "since")
    monkeypatch.delattr(OpenRecording, "stretch")
    with OpenRecording(film(kind), "eng") as source, SpanFinder(source) as finder:
        quick = Sound(source, lookup=finder.lookup, **form)
        for (start, end), (begin, finish, shown, samples, rate) in zip(spans, plain, strict=True):
            stretch = finder.stretch(start, end, lead=LEAD, tail=TAIL)
            assert (stretch.start, stretch.end, stretch.shown) == (begin, finish, shown)
            again, same = quick.of(stretch)
            assert same == rate
            assert np.array_equal(again, samples)


@pytest.mark.parametrize("kind", ["aac.mp4", "aac.mkv"])
def test_the_ends_of_a_film_are_heard_and_zeros_refused(film, kind, tmp_path):
    data = bytearray(film(kind).read_bytes())
    (tmp_path / kind).write_bytes(data)
    wishes, file_of = [wish("0", 0, 500), wish("1", 11500, 11950)], into(tmp_path, ".wav")
    results = cut(tmp_path / kind, TimeMap.linear(), wishes, AudioSettings(), file_of)
    assert all(isinstance(one, MadeClip) for one in results)
    with av.open(str(tmp_path / kind)) as source:
        packet = next(one for one in source.demux(audio=0) if one.pts * one.time_base > 6)
    at = data.find(bytes(packet))
    data[at : at + packet.size] = bytes(packet.size)
    (tmp_path / kind).write_bytes(data)
    spans = {"before": (5000, 5800), "lead": (6200, 7000), "inside": (5000, 7000), "after": (7000, 8000)}
    wishes = [wish(name, *span) for name, span in spans.items()]
    results = {one.wish.id: one for one in cut(tmp_path / kind, TimeMap.linear(), wishes, AudioSettings(), file_of)}
    assert isinstance(results["before"], MadeClip)
    assert isinstance(results["after"], MadeClip)
    for name in ("lead", "inside"):
        assert results[name].detail.startswith("The sound's data is broken at 6.0")

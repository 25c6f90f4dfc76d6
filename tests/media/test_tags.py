"""What a film says of itself beside its pictures: colours, light, shape, rotation, language, title."""

from __future__ import annotations

import struct
import subprocess
from fractions import Fraction

import av
import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from mmdia_dataset.clips import CopySettings, EncodeSettings, KeyframeSettings, MadeClip, Moment, cut
from mmdia_dataset.media import probe
from mmdia_dataset.timing import TimeMap
from tests.support.films import Track, make_film
from tests.support.wishes import into, wish

pytestmark = pytest.mark.quick

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
# The screen a film was mastered on, and its light, as HEVC and MP4 store them: green, blue, red, white; cd/m².
PRIMARIES = ((13250, 34500), (7500, 3000), (34000, 16000), (15635, 16450))
BRIGHTEST, DARKEST, LIGHT = 10_000_000, 50, (1000, 400)
HDR = (
    "log-level=error:keyint=24:bframes=2:hdr10=1:repeat-headers=1:colorprim=bt2020:transfer=smpte2084:"
    "colormatrix=bt2020nc:range=limited:max-cll=1000,400:"
    "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
)
MASTERING = struct.pack(">8H2I", *(value for pair in PRIMARIES for value in pair), BRIGHTEST, DARKEST)
BT2020, PQ, BT2020_NCL, LIMITED = 9, 16, 9, 1


def ffmpeg(*arguments):
    given = [one if isinstance(one, bytes) else str(one) for one in arguments]
    subprocess.run([FFMPEG, "-v", "error", "-y", *given], check=True)


@pytest.fixture(scope="module", params=["mkv", "mp4"])
def hdr(request, tmp_path_factory):
    """A film whose stream and container both tell of HDR10, with a track of sound in French."""
    folder = tmp_path_factory.mktemp("hdr")
    making = {"codec": "libx265", "pix_fmt": "yuv420p10le", "options": {"preset": "ultrafast", "x265-params": HDR}}
    plain = make_film(
        folder / "plain.mkv", seconds=3, tracks=[Track("ac3", language="fra", title="Version française")], **making
    )
    path = folder / f"film.{request.param}"
    title = ("-metadata:s:a", "handler_name=Version française") if request.param == "mp4" else ()
    ffmpeg("-i", plain.path, "-c:a", "copy", "-c:v", "libx265", "-preset", "ultrafast", *title,
           "-x265-params", "log-level=error:keyint=24", "-aspect", "2.35", path)  # fmt: skip
    return path


def clip(path, folder, settings, moments=()):
    wishes = [wish("clip", 1100, 2000, moments)]
    (made,) = cut(path, TimeMap.linear(), wishes, settings, into(folder, settings.suffix))
    assert isinstance(made, MadeClip), made
    return made.file


def colours(file):
    with av.open(str(file)) as opened:
        context = opened.streams.video[0].codec_context
        return context.color_primaries, context.color_trc, context.colorspace, context.color_range


def shape(file):
    with av.open(str(file)) as opened:
        video = opened.streams.video[0]
        return video.width, video.height, video.sample_aspect_ratio


def content(file, kind):
    """What a box of an MP4 file holds."""
    data = file.read_bytes()
    at = data.find(kind)
    assert at > 0, kind
    return data[at + 4 : at - 4 + int.from_bytes(data[at - 4 : at], "big")]


def test_a_copied_clip_keeps_all_tags_of_hdr(hdr, tmp_path):
    file = clip(hdr, tmp_path, CopySettings())
    assert colours(file) == colours(hdr) == (BT2020, PQ, BT2020_NCL, LIMITED)
    assert content(file, b"colr") == struct.pack(">4s3HB", b"nclx", BT2020, PQ, BT2020_NCL, 0)
    assert content(file, b"mdcv") == MASTERING
    assert content(file, b"clli") == struct.pack(">2H", *LIGHT)
    assert shape(file) == shape(hdr)
    assert shape(file)[2] != 1
    with av.open(str(file)) as opened:
        told = {str(getattr(one, "type", one)) for one in next(opened.decode(video=0)).side_data}  # since PyAV 19: keys
        assert {name for name in told if "MASTERING" in name or "LIGHT" in name}
        sound = opened.streams.audio[0]
        assert (sound.language, sound.metadata["handler_name"]) == ("fra", "Version française")


@pytest.mark.parametrize("settings", [CopySettings(), EncodeSettings(preset="ultrafast")], ids=lambda one: one.mode)
def test_a_film_whose_tags_are_not_utf8_is_opened_and_cut(settings, tmp_path):
    plain, film = make_film(tmp_path / "plain.mkv", seconds=3, tracks=[Track("ac3")]), tmp_path / "film.mkv"
    latin = [f"title=Version {word}çaise".encode("latin-1") for word in ("fran", "Fran")]
    ffmpeg("-i", plain.path, "-map", "0", "-c", "copy", "-metadata", latin[0], "-metadata:s:a", latin[1],
           "-metadata:s:v", latin[1], film)  # fmt: skip
    assert probe(film).audio[0].title == "Version Fran\ufffdaise"
    with av.open(str(clip(film, tmp_path, settings))) as opened:  # what is written is UTF-8 again
        assert opened.streams.audio[0].metadata["handler_name"] == "Version Fran\ufffdaise"


@pytest.mark.parametrize("codec", ["libx264", "libx265", "libvpx-vp9"])
def test_an_encoded_clip_keeps_colours_and_is_square(hdr, codec, tmp_path):
    preset = {"libx265": "ultrafast", "libx264": "ultrafast", "libvpx-vp9": "8"}[codec]
    file = clip(hdr, tmp_path, EncodeSettings(codec=codec, preset=preset))
    told = colours(file)
    assert told == (BT2020, PQ, BT2020_NCL, LIMITED)
    width, height, aspect = shape(file)
    assert (height, aspect) == (90, 1)
    assert abs(width / height - 2.35) < 0.02
    with av.open(str(file)) as opened:
        assert opened.streams.audio[0].language == "fra"


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_rotation_stays_in_a_copy_and_is_carried_out_when_encoded(suffix, tmp_path):
    plain, turned = make_film(tmp_path / "plain.mp4", seconds=3), tmp_path / f"turned.{suffix}"
    ffmpeg("-display_rotation", "90", "-i", plain.path, "-c", "copy", turned)
    with av.open(str(turned)) as opened:
        assert next(opened.decode(video=0)).rotation == 90
    with av.open(str(clip(turned, tmp_path, CopySettings()))) as opened:
        assert next(opened.decode(video=0)).rotation == 90
    file = clip(turned, tmp_path, EncodeSettings(preset="ultrafast"))
    assert shape(file)[:2] == (90, 160)
    with av.open(str(file)) as opened:
        assert next(opened.decode(video=0)).rotation == 0


def test_pictures_made_smaller_have_the_colours_of_the_matrix_the_film_names(tmp_path):
    # A saturated red, which the matrices of BT.601 and BT.2020 turn into quite different ones.
    film = tmp_path / "red.mkv"
    with av.open(str(film), "w") as out:
        video = out.add_stream("libx264", rate=25, options={"crf": "5"})
        video.width, video.height, video.pix_fmt = 160, 90, "yuv420p"
        video.codec_context.colorspace, video.codec_context.color_range = BT2020_NCL, LIMITED
        for number in range(50):
            frame = av.VideoFrame(160, 90, "yuv420p")
            for plane, value in zip(frame.planes, (90, 110, 200), strict=True):
                plane.update(np.full((plane.height, plane.line_size), value, np.uint8))
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
    found = []
    for height in (None, 60):
        folder = clip(film, tmp_path / str(height), KeyframeSettings(image="png", height=height), (Moment(1500, None),))
        with Image.open(folder / "000.png") as picture:
            found.append(np.asarray(picture).reshape(-1, 3).mean(0))
    red = 255 / 219 * (90 - 16) + 255 / 224 * 1.4746 * (200 - 128)
    assert abs(found[0][0] - red) < 3
    assert np.abs(found[0] - found[1]).max() < 2

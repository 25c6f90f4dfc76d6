"""Rows decoded on access hold exactly what the cut clip holds, in any order and any process."""

from __future__ import annotations

import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor

import av
import numpy as np
import pytest

import mmdia_dataset
from mmdia_dataset import Decode, load, rebuild
from mmdia_dataset.errors import MediaError, UsageError
from tests.support.films import number_of
from tests.support.worlds import SPANS, frames_in, make_world


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def rows(world, tmp_path_factory):
    """All rows of the world's first films, by id, not decoded."""
    cache = tmp_path_factory.mktemp("cache")
    with pytest.warns(UserWarning, match="refused"):
        splits = load("clips", data_dir=world.release, media_dir=world.media, mode="access", cache_dir=cache)
    assert not list(cache.rglob("*.mp4"))
    return splits


@pytest.fixture(scope="module")
def clips(world, tmp_path_factory):
    """The same clips, cut."""
    root = tmp_path_factory.mktemp("cut")
    rebuild(world.release, world.media, root)
    rebuild(world.release, world.media, root, mode="audio", float32=True)
    return {row["id"]: row for split in load("clips", data_dir=root, cache_dir=root / "c").values() for row in split}


def frames_of(path) -> np.ndarray:
    with av.open(path) as clip:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in clip.decode(video=0)])


def sound_of(path) -> np.ndarray:
    import soundfile

    return soundfile.read(path, dtype="float32", always_2d=True)[0].T


def test_frames_and_samples_are_those_of_the_cut_clip(rows, clips):
    seen = set()
    for split in rows.values():
        for row in split.with_transform(Decode()):
            clip = clips[row["id"]]
            seen.add(row["id"])
            want = frames_of(clip["video"]["path"])
            assert row["frames"].dtype == np.uint8
            assert row["frames"].shape == want.shape
            assert (row["frames"] == want).all()
            assert row["audio"].dtype == np.float32
            assert (row["audio"] == sound_of(clip["audio"]["path"])).all()
            assert row["sample_rate"] == 48000
            assert abs(row["frame_rate"] - 24000 / 1001) < 0.05
            assert row["times_s"][0] == 0
            assert len(row["times_s"]) == len(want)
    assert seen == set(clips)


def test_batches_singles_and_streams_are_alike(rows, world, tmp_path):
    split = rows["train"]
    batch = split.with_transform(Decode(height=46, fps=6, sample_rate=16000, mono=True))[:2]
    for n in (1, 0):
        one = Decode(height=46, fps="6", sample_rate=16000, mono=True)(split[n])
        assert (one["frames"] == batch["frames"][n]).all()
        assert (one["audio"] == batch["audio"][n]).all()
        assert one["frames"].shape[1:] == (46, 82, 3)
        assert one["audio"].shape[0] == 1
        assert one["sample_rate"] == 16000
        assert one["id"] == split[n]["id"]
        assert list(one["times_s"][:3]) == [0, 1 / 6, 2 / 6]
    with pytest.warns(UserWarning, match="refused"):
        stream = load(
            "clips",
            data_dir=world.release,
            media_dir=world.media,
            mode="access",
            split="train",
            streaming=True,
            cache_dir=tmp_path,
        )
    first = next(iter(stream.map(Decode(sound=False))))
    assert first["audio"] is None
    shown = [number_of(frame[:, :, 1]) for frame in np.asarray(first["frames"], np.uint8)]
    assert first["id"] == "tt0000001_clip_0"
    assert shown == frames_in(world.films["tt0000001"], *SPANS["tt0000001"][0])


def decoded(transform: Decode, row: dict) -> tuple[str, int, float]:
    done = transform(row)
    return row["id"], int(done["frames"].sum()), float(np.abs(done["audio"]).sum())


def test_workers_and_pickles_each_open_their_own(rows):
    split, transform = rows["train"], Decode()
    here = [decoded(transform, row) for row in split]
    assert [decoded(pickle.loads(pickle.dumps(transform)), split[0])] == here[:1]
    for method in ("spawn", "fork"):
        context = multiprocessing.get_context(method)
        with ProcessPoolExecutor(2, mp_context=context) as pool:
            jobs = [pool.submit(decoded, transform, row) for row in split]
            assert [job.result() for job in jobs] == here
    assert decoded(transform, split[0]) == here[0]
    transform.close()


def test_what_is_wrong_is_one_sentence_or_nothing(rows, tmp_path):
    row = dict(rows["train"][0])
    gone = {**row, "source": {**row["source"], "recording": str(tmp_path / "gone.mkv")}}
    with pytest.raises(MediaError, match="does not exist"):
        Decode()(gone)
    done = Decode(errors="none")(gone)
    assert done["frames"] is None
    assert done["audio"] is None
    late = {"source": {"recording": row["source"]["recording"], "start_ms": 10**7, "end_ms": 10**7 + 500}}
    with pytest.raises(MediaError):
        Decode()(late)
    plain = {"source": {"recording": row["source"]["recording"], "start_ms": 100, "end_ms": 600}}
    assert Decode(sound=False)(plain)["frames"].shape[0] == 12
    with pytest.raises(UsageError, match="have no column `source`"):
        Decode()({"id": "x"})
    for options in ({"fps": "x"}, {"fps": 0}, {"height": 0}, {"errors": "hide"}):
        with pytest.raises(UsageError):
            Decode(**options)
    assert mmdia_dataset.Decode is Decode

"""Shards on S3: moto's server, and s3fs as anybody would have it."""

import os
import subprocess
import sys

import datasets
import moto.s3.models
import pytest
import s3fs
from moto.server import ThreadedMotoServer

import mmdia_dataset
from mmdia_dataset.errors import OutputError, ShardsUnreadable
from mmdia_dataset.shards.open_shards import row_of, shard_urls
from mmdia_dataset.shards.stores import Store
from tests.support import worlds


@pytest.fixture(scope="module")
def s3():
    """A server with an empty bucket `films`, as the environment of this process says."""
    moto.s3.models.S3_UPLOAD_PART_MIN_SIZE = 5 << 10  # so that small files have parts
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    said = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "mine",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "NO_PROXY": host,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in said.items():
            patch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        files = s3fs.S3FileSystem()
        files.mkdir("films")
        yield files
        s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = worlds.make_world(tmp_path_factory.mktemp("world"))
    mmdia_dataset.rebuild(world.release, world.media, world.root / "built", mode="audio")
    return world


@pytest.fixture(scope="module")
def here(world):
    """The same shards in a folder."""
    mmdia_dataset.pack(world.root / "built", world.root / "shards", max_size="150kB")
    return world.root / "shards"


def same(url, folder):
    there = Store(url)
    assert set(there.names()) == set(worlds.tree(folder))
    for name in there.names():
        assert there.read(name) == (folder / name).read_bytes()


@pytest.mark.parametrize("jobs", [1, 2])
def test_packed_to_s3_checked_there_and_read_from_there(s3, world, here, jobs):
    url = f"s3://films/jobs-{jobs}/shards"
    report = mmdia_dataset.pack(world.root / "built", url, max_size="150kB", jobs=jobs)
    same(url, here)
    again = mmdia_dataset.pack(world.root / "built", url, max_size="150kB")
    assert (again.written, again.kept) == (0, report.written)
    checked = mmdia_dataset.check(url, deep=jobs == 1)
    assert (checked.faults, checked.samples, checked.ours) == ([], 6, True)
    s3.pipe_file(f"films/jobs-{jobs}/shards/data/hard-00000-of-00001.tar", b"?" * 2048)
    assert mmdia_dataset.check(url).counts["shard-altered"] == 1


def test_every_reader_gives_the_same_rows_from_s3(s3, world, here, tmp_path, monkeypatch):
    url = "s3://films/read"
    mmdia_dataset.pack(world.root / "built", url, max_size="150kB")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    truth = list(mmdia_dataset.open_shards(str(here)))
    assert len(truth) == 6
    assert list(mmdia_dataset.open_shards(url)) == truth
    train = [row["id"] for row in mmdia_dataset.open_shards(str(here), "train")]
    features = datasets.load_dataset_builder(str(here)).info.features
    files = {"train": shard_urls(url, "train")}
    stream = datasets.load_dataset("webdataset", data_files=files, features=features, split="train")
    assert [row_of(sample)["id"] for sample in stream] == train


@pytest.mark.quick
def test_straight_from_films_to_s3(s3, world, here):
    url = "s3://films/direct"

    def pack():
        return mmdia_dataset.pack(release=world.release, media=world.media, out=url, mode="audio", max_size="150kB")

    report = pack()
    same(url, here)
    again = pack()
    assert (again.written, again.kept) == (0, report.written)


KILLED = """
import os, sys, s3fs
from mmdia_dataset import pack
from mmdia_dataset.shards import stores
left, what = int(sys.argv[1]), sys.argv[2]
call = s3fs.S3FileSystem._call_s3
async def deadly(self, method, *args, **kwargs):
    global left
    if method == what:
        left -= 1
        if left < 0:
            os._exit(9)
    return await call(self, method, *args, **kwargs)
s3fs.S3FileSystem._call_s3 = deadly
put = s3fs.S3FileSystem._put_file
async def in_parts(self, lpath, rpath, **kwargs):
    return await put(self, lpath, rpath, **{**kwargs, "chunksize": 5 << 10})
s3fs.S3FileSystem._put_file = in_parts
pack(release=sys.argv[3], media=sys.argv[4], out=sys.argv[5], mode="audio", max_size="150kB")
"""


@pytest.mark.parametrize(
    ("after", "what"), [(2, "put_object"), (9, "upload_part"), (1, "complete_multipart_upload"), (1, "copy_object")]
)
def test_a_run_killed_while_it_sends_leaves_nothing_half_done(s3, world, here, after, what):
    url = f"s3://films/killed-{what}"
    arguments = [str(after), what, str(world.release), str(world.media), url]
    code = KILLED if what != "copy_object" else KILLED.replace('"chunksize": 5 << 10', "")
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, env=os.environ)
    assert done.returncode == 9, done.stderr
    there, whole = Store(url), worlds.tree(here)
    assert "index.json" not in there.names()
    for name in there.names():
        if name.startswith("data/"):
            assert there.read(name) == (here / name).read_bytes()
    mmdia_dataset.pack(release=world.release, media=world.media, out=url, mode="audio", max_size="150kB")
    same(url, here)
    assert set(there.names()) == set(whole)
    left = s3.call_s3("list_multipart_uploads", Bucket="films", Prefix=f"killed-{what}/")
    assert left.get("Uploads", []) == []


def test_what_s3_refuses_is_one_sentence(s3, world):
    with pytest.raises(OutputError, match="s3://nobody/shards") as told:
        mmdia_dataset.pack(world.root / "built", "s3://nobody/shards")
    assert "\n" not in str(told.value)
    with pytest.raises(ShardsUnreadable, match="s3://films/none: there is nothing"):
        mmdia_dataset.check("s3://films/none")

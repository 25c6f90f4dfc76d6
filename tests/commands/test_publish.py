"""Publishing to a stand-in of the Hub, and pulling from it: what is sent, what never is, and what is said on a no."""

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import mmdia_dataset
from mmdia_dataset.errors import HubLoginMissing, UsageError
from mmdia_dataset.publishing.publication import published_extra
from tests.support.hub import FRIEND, OWNER, STRANGER, Hub
from tests.support.worlds import make_world, tree

REPO = "films/dialogues"
PRIVATE = "One {imdb-tt0000001}"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A world rebuilt, with passports in its release and a secret path in an entry."""
    world = make_world(tmp_path_factory.mktemp("world"))
    file = world.release / "json" / "movie" / "tt0000001.json"
    told = json.loads(file.read_text("utf-8"))
    told["clips"][0]["video_path"] = "/home/somebody/films/one.mp4"
    file.write_text(json.dumps(told), "utf-8")
    mmdia_dataset.fingerprint(world.release, world.media, world.release / "passports")
    mmdia_dataset.rebuild(world.release, world.media, world.root / "built")
    return world


@pytest.fixture
def hub():
    with Hub() as hub:
        yield hub


@pytest.fixture(scope="module")
def served(world, tmp_path_factory):
    """A Hub that has the world's publication, with its release's passports."""
    with Hub() as hub:
        done = publish(hub, world.root / "built", tmp_path_factory.mktemp("home"), "--release", str(world.release))
        assert done.returncode == 0, done.stderr
        yield hub


def command(*arguments, env):
    code = "from mmdia_dataset.cli import main; main()"
    return subprocess.run([sys.executable, "-c", code, *map(str, arguments)], env=env, capture_output=True, text=True)


def publish(hub, out, home, *options, token=OWNER, **environment):
    env = {**hub.environment(home, token), **environment}
    return command("publish", out, "--repo", REPO, *options, env=env)


def python(hub, home, code, *arguments, token=OWNER, **environment):
    env = {**hub.environment(home, token), **environment}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)], env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# --- what is published ------------------------------------------------------------------------------------------------


def test_a_dry_run_asks_nothing_and_lists_everything(world, hub, tmp_path):
    before = tree(world.root / "built")
    env = hub.environment(tmp_path, token=None)
    done = command("publish", world.root / "built", "--repo", REPO, "--dry-run", "--format", "json", env=env)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    names = set(told["files"])
    assert {"README.md", "croissant.json", "splits.json", "movies.jsonl", "figures/sunburst.png"} <= names
    assert {"dialogues/train.parquet", "dialogues/test-hard.parquet", "editions/tt0000001.json"} <= names
    assert not [name for name in names if name.endswith((".mp4", ".wav", ".jpg"))]
    media = next(one for one in told["left_out"] if one["what"] == "media")
    clips = list((world.root / "built" / "clips").rglob("*.mp4"))
    assert (media["files"], media["bytes"]) == (len(clips), sum(clip.stat().st_size for clip in clips))
    assert told["commit"] is None
    assert hub.log == []
    assert tree(world.root / "built") == before


def test_nothing_private_is_published(world, hub, tmp_path):
    done = publish(hub, world.root / "built", tmp_path, "--release", world.release, "--license", "cc-by-nc-4.0")
    assert done.returncode == 0, done.stderr
    files = hub.files(REPO)
    secrets = [PRIVATE, "somebody", str(world.root), f"{Path.home()}/"]
    for name, data in files.items():
        text = data
        if name.endswith(".parquet"):
            (tmp_path / "rows.parquet").write_bytes(data)
            text = json.dumps(pq.read_table(tmp_path / "rows.parquet").to_pylist(), ensure_ascii=False).encode()
        for secret in secrets:
            assert secret.encode() not in data + text, (secret, name)
    lines = [json.loads(line) for line in files["editions/manifest.jsonl"].splitlines()]
    assert {line["recording"]["name"] for line in lines if line["status"] == "made"} == {
        "tt0000001.mp4",
        "tt0000002.mkv",
    }
    assert [line["reasons"] for line in lines if line["status"] == "refused"] == [
        [{"rule": "no-recording", "detail": "no recording"}]
    ]
    assert set(files) >= {"passports/tt0000001.json", "passports/tt0000002.json"}
    assert hub.repos[REPO].private


def test_no_sound_and_no_video_of_a_release_is_published_wherever_they_lie(world, hub, tmp_path):
    release = tmp_path / "release"
    shutil.copytree(world.release, release)
    secret = b"RIFF the sound of a film " * 40
    places = [
        "audio/movie/tt0000001/clip_000/clip_000.wav",
        "audio/movie/tt0000001/clip_000/clip_000_orig.flac",
        "audio_encoded/movie/tt0000001/clip_000/clip_000.dac",
        "video/movie/tt0000001/clip_000.mp4",
        "clip_001.wav",
        "json/movie/clip_001.opus",
        "dialogues/train.dac",
        "passports/tt0000001.mp3",
        "figures/turns.wav",
        "editions/clip_000.ogg",
        "clips/tt0000001/tt0000001_clip_0.mp4",
        "annotations/train.m4a",
    ]
    disguised = ["passports/tt0000009.json", "sound.jsonl"]
    for name in [*places, *disguised]:
        (release / name).parent.mkdir(parents=True, exist_ok=True)
        (release / name).write_bytes(secret)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "clip_002.wav").write_bytes(secret)
    (release / "more_audio").symlink_to(tmp_path / "elsewhere")
    (release / "dialogues" / "clip_002.wav").symlink_to(tmp_path / "elsewhere" / "clip_002.wav")
    (release / "json" / "clip_003.json").symlink_to("../clip_001.wav")
    done = publish(hub, release, tmp_path, "--dry-run", "--out", tmp_path / "look", "--format", "json", token=None)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    media = (".wav", ".flac", ".opus", ".ogg", ".mp3", ".m4a", ".dac", ".mp4")
    assert set(told["files"]) == set(tree(tmp_path / "look"))
    assert not [name for name in told["files"] if name.endswith(media)]
    left = next(one for one in told["left_out"] if one["what"] == "media")
    assert left["files"] == len(places) + 1
    assert "never" in left["why"]
    assert publish(hub, release, tmp_path).returncode == 0
    assert set(hub.files(REPO)) == set(told["files"])
    assert not [name for name, data in hub.files(REPO).items() if secret[:20] in data]


def test_paths_in_extra_go_and_pointers_stay():
    extra = {
        "srt": [
            ["/video_path", None, "/data/x.mp4"],
            ["/key", "00ff"],
            ["/a/b", None, ["C:\\x", 1]],
            ["/c", None, "d"],
        ],
        "utterances": {"path": "~/films/x.mkv", "note": "and/or"},
    }
    cleaned, count = published_extra(extra)
    assert cleaned == {"srt": [["/key", "00ff"], ["/c", None, "d"]], "utterances": {"path": "", "note": "and/or"}}
    assert count == 3


def test_media_goes_only_when_asked_for_with_a_sentence_about_rights(world, hub, tmp_path):
    done = publish(hub, world.root / "built", tmp_path, "--with-media")
    assert done.returncode == 0, done.stderr
    assert "rights" in done.stderr
    files = hub.files(REPO)
    clip = world.root / "built" / "clips" / "tt0000001" / "tt0000001_clip_0.mp4"
    assert files["clips/tt0000001/tt0000001_clip_0.mp4"] == clip.read_bytes()
    assert PRIVATE.encode() not in b"".join(files.values())


def test_the_publication_can_be_looked_at(world, hub, tmp_path):
    done = publish(hub, world.root / "built", tmp_path / "home", "--dry-run", "--out", tmp_path / "look", token=None)
    assert done.returncode == 0, done.stderr
    report = mmdia_dataset.validate(tmp_path / "look")
    assert (report.dialogues, report.errors) == (5, 0)
    page = re.sub(r"\s+", " ", (tmp_path / "look" / "README.md").read_text("utf-8"))
    assert "5 dialogues" in page
    # How much the publisher has is told, and that it is not here.
    assert "Dialogues that have a clip. The publisher cut them from their own films; this dataset has no clips." in page
    mmdia_dataset.card(world.root / "built")
    assert "this dataset has no clips" not in (world.root / "built" / "README.md").read_text("utf-8")


# --- sending ----------------------------------------------------------------------------------------------------------


def test_a_cut_connection_is_said_and_the_next_run_goes_on(world, hub, tmp_path):
    hub.cut_after = 3
    env = {"PYTHONPATH": _no_waiting(tmp_path)}
    done = publish(hub, world.root / "built", tmp_path, **env)
    assert done.returncode == 3
    assert "the connection broke" in done.stderr
    assert "run the same command again" in done.stderr
    assert hub.files(REPO) == {}  # a commit comes last, so nobody sees half of it
    before = list(hub.sent)
    hub.cut_after = None
    assert publish(hub, world.root / "built", tmp_path).returncode == 0
    assert len(hub.sent) == len(set(hub.sent)), "something was sent twice"
    assert hub.sent[: len(before)] == before
    assert "dialogues/train.parquet" in hub.files(REPO)
    # Once more: what is there is not sent again, what is no longer published goes, files of others stay.
    repo, sent = hub.repos[REPO], len(hub.sent)
    published = hub.files(REPO)
    repo.commit("main", {**published, "LICENSE": b"theirs", "dialogues/old.parquet": b"old"})
    assert publish(hub, world.root / "built", tmp_path).returncode == 0
    assert hub.files(REPO) == {**published, "LICENSE": b"theirs"}
    commits = len(repo.commits)
    assert publish(hub, world.root / "built", tmp_path).returncode == 0
    assert (len(repo.commits), len(hub.sent)) == (commits, sent)


def test_all_goes_into_one_commit(world, hub, tmp_path):
    assert publish(hub, world.root / "built", tmp_path).returncode == 0
    commits = hub.repos[REPO].commits
    assert [len(files) > 5 for files in commits.values()] == [False, True]
    # By Xet too, which the stand-in does not speak: it is told, and nothing is half there.
    done = publish(hub, world.release, tmp_path, HF_HUB_DISABLE_XET="0", PYTHONPATH=_no_waiting(tmp_path))
    if ("GET", f"/api/datasets/{REPO}/xet-write-token/main") in hub.log:  # where hf_xet is installed
        assert done.returncode == 3
        assert done.stderr.count("\n") == 1
        assert done.stderr.startswith("mmdia: films/dialogues: ")
        assert len(commits) == 2


def _no_waiting(folder):
    """Where a module lies that keeps the client from waiting between its tries."""
    (folder / "fast").mkdir()
    (folder / "fast" / "sitecustomize.py").write_text("import time\ntime.sleep = lambda seconds: None\n")
    return os.pathsep.join([str(folder / "fast"), *sys.path])


def test_a_branch_a_gate_and_the_public(world, hub, tmp_path):
    done = publish(hub, world.root / "built", tmp_path, "--revision", "next", "--gated", "manual", "--public")
    assert done.returncode == 0, done.stderr
    repo = hub.repos[REPO]
    assert (repo.private, repo.gated) == (False, "manual")
    assert hub.files(REPO) == {}
    assert "README.md" in hub.files(REPO, "next")


SAY = """
    import json, os, sys, mmdia_dataset
    for arguments, name in json.loads(sys.argv[2]):
        os.environ.update(MMDIA_HUB_REPO=name)
        try:
            if sys.argv[1]:
                mmdia_dataset.publish(sys.argv[1], name, **arguments)
            else:
                mmdia_dataset.load(**arguments)
            print("well")
        except mmdia_dataset.MmdiaError as error:
            print(type(error).__name__, error)
"""


def test_every_no_of_the_hub_is_one_sentence(world, hub, tmp_path):
    def said(*calls, out=world.root / "built", name=REPO, **environment):
        asked = json.dumps([(arguments, name) for arguments in calls])
        return python(hub, tmp_path, SAY, out, asked, token=None, **environment).splitlines()

    none, expired, stranger = said({}, {"token": "hf_expired"}, {"token": STRANGER})
    assert none.startswith("HubLoginMissing films/dialogues: you are not logged in")
    assert none.endswith("log in with `hf auth login`.")
    assert expired.startswith("HubLoginMissing films/dialogues: the Hub does not accept your token")
    assert stranger.startswith("HubAccessDenied films/dialogues: you may not write to this repository")
    (offline,) = said({"token": OWNER}, HF_HUB_OFFLINE="1")
    assert offline.startswith("HubUnreachable films/dialogues: the Hub is switched off (HF_HUB_OFFLINE is set)")
    (away,) = said({"token": OWNER}, HF_ENDPOINT="http://127.0.0.1:9")
    assert away.startswith("HubUnreachable films/dialogues: the Hub can't be reached")
    assert hub.repos == {}
    hub.broken = True
    (down,) = said({"token": OWNER}, PYTHONPATH=_no_waiting(tmp_path))
    assert down.startswith("HubUnreachable films/dialogues: the Hub is busy or down (503)")


def test_the_command_ends_with_the_code_of_its_error(world, hub, tmp_path):
    built = world.root / "built"
    done = publish(hub, built, tmp_path, token=None)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    done = publish(hub, built, tmp_path, "--license", "free")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_functions_say_the_same(world, monkeypatch):
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    with pytest.raises(HubLoginMissing, match="hf auth login"):
        mmdia_dataset.publish(world.root / "built", REPO)
    with pytest.raises(UsageError, match="ORG/NAME"):
        mmdia_dataset.publish(world.root / "built", "only-a-name", dry_run=True)
    with pytest.raises(UsageError, match="leave out --with-media"):
        mmdia_dataset.publish(world.release, REPO, dry_run=True, with_media=True)


# --- pulling ----------------------------------------------------------------------------------------------------------

LOAD = """
    import sys, datasets, mmdia_dataset
    try:
        rows = datasets.load_dataset("mm-dia", *sys.argv[1:2], **eval((sys.argv[2:] or ["{}"])[0]))
        print(sorted((split, row["id"]) for split in rows for row in rows[split]))
    except mmdia_dataset.MmdiaError as error:
        print(type(error).__name__, error)
"""
ROWS = [
    ("hard", "tt0000002_clip_1"),
    ("test", "tt0000002_clip_0"),
    ("test", "tt0000002_clip_1"),
    ("train", "tt0000001_clip_0"),
    ("train", "tt0000001_clip_1"),
    ("train", "tt0000003_clip_0"),
    ("validation", "tt0000001_clip_2"),
]


def test_the_loader_pulls_what_was_published(served, tmp_path):
    assert eval(python(served, tmp_path, LOAD, token=FRIEND, MMDIA_HUB_REPO=REPO, HF_TOKEN=OWNER)) == ROWS
    # And again without a network, from the cache.
    offline = {"MMDIA_HUB_REPO": REPO, "HF_HUB_OFFLINE": "1"}
    assert eval(python(served, tmp_path, LOAD, **offline)) == ROWS


def test_what_was_published_loads_with_datasets_alone(served, tmp_path):
    code = f"""
        import sys, datasets
        rows = datasets.load_dataset({REPO!r})
        print(sorted((split, row["id"]) for split in rows for row in rows[split]))
        assert "mmdia_dataset" not in sys.modules
        assert rows["train"].features["timeline"].names == ["movie", "dialogue"]
    """
    assert eval(python(served, tmp_path, code)) == ROWS


def test_a_stranger_rebuilds_the_same_clips(served, world, tmp_path):
    # The command of docs/publishing.md; a release is what it fetches.
    page = Path(__file__).parent.parent.parent / "docs" / "publishing.md"
    (line,) = re.findall(r"^hf download .*$", page.read_text("utf-8"), re.MULTILINE)
    assert line == "hf download ORG/NAME --repo-type dataset --local-dir release"
    hf = [Path(sys.executable).with_name("hf"), *line.replace("ORG/NAME", REPO).split()[1:]]
    env = served.environment(tmp_path / "home", FRIEND) | {"HF_TOKEN": OWNER}
    done = subprocess.run(hf, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    mmdia_dataset.rebuild(tmp_path / "release", world.media, tmp_path / "built")
    mine, theirs = (tree(folder / "clips") for folder in (tmp_path / "built", world.root / "built"))
    assert mine == theirs
    assert len(mine) == 5


def test_a_new_commit_on_a_branch_is_seen_and_a_pinned_one_stays(world, hub, tmp_path):
    assert publish(hub, world.root / "built", tmp_path).returncode == 0
    first = hub.repos[REPO].branches["main"]
    seen = {"MMDIA_HUB_REPO": REPO}
    before = eval(python(hub, tmp_path, LOAD, **seen))
    shutil.copytree(world.release, tmp_path / "release")
    told = json.loads((tmp_path / "release" / "splits.json").read_text("utf-8"))
    told["train"].remove("tt0000003_clip_0")
    (tmp_path / "release" / "splits.json").write_text(json.dumps(told), "utf-8")
    assert publish(hub, tmp_path / "release", tmp_path).returncode == 0
    after = eval(python(hub, tmp_path, LOAD, **seen))
    assert ("unassigned", "tt0000003_clip_0") in after
    assert after != before
    assert eval(python(hub, tmp_path, LOAD, "dialogues", f"dict(revision={first!r})", **seen)) == before


def test_every_no_while_pulling_is_one_sentence(hub, world, tmp_path):
    def said(*calls, home="home", **environment):
        return python(hub, tmp_path / home, SAY, "", json.dumps(calls), token=None, **environment).splitlines()

    assert publish(hub, world.root / "built", tmp_path, "--public", "--gated", "manual").returncode == 0
    nobody, stranger, unseen, hidden, revision, wrong = said(
        ({}, REPO),
        ({"token": STRANGER}, REPO),
        ({"token": FRIEND}, "films/nothing"),
        ({}, "films/nothing"),
        ({"token": FRIEND, "revision": "v9"}, REPO),
        ({"token": FRIEND}, "no name"),
    )
    assert nobody.startswith("HubLoginMissing films/dialogues: the dataset is gated, and you are not logged in")
    assert stranger.startswith(
        "HubAccessDenied films/dialogues: the dataset is gated, and you do not have access (yet)"
    )
    assert f"ask for access at {hub.url}/datasets/{REPO}" in stranger
    assert unseen.startswith("HubNotFound films/nothing: the Hub finds no such dataset: the name is wrong")
    assert hidden.startswith("HubLoginMissing films/nothing: the Hub finds no such dataset, and you are not logged in")
    assert revision.startswith("HubNotFound films/dialogues: this repository has no revision 'v9'")
    assert wrong.startswith("UsageError 'no name' is not a repository name")
    (offline,) = said(({}, REPO), HF_HUB_OFFLINE="1")
    assert offline.startswith(
        "HubUnreachable films/dialogues: the Hub is switched off (HF_HUB_OFFLINE is set), and this was"
    )
    (away,) = said(({}, REPO), HF_ENDPOINT="http://127.0.0.1:9")
    assert away.startswith("HubUnreachable films/dialogues: the Hub can't be reached")
    # Each with the one next step.
    steps = {
        nobody: "; log in with `hf auth login`.",
        stranger: " and wait until it is granted.",
        unseen: "; correct the name, or ask its owner for access.",
        hidden: "; log in with `hf auth login`, and correct the name if it is wrong.",
        revision: "; give a branch, a tag, or a full commit hash.",
        offline: "; unset HF_HUB_OFFLINE.",
        away: "; check the network, then try again.",
    }
    assert {sentence: sentence.endswith(step) for sentence, step in steps.items()} == dict.fromkeys(steps, True)

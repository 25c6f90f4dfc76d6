"""What a user types and sees: text and JSON, one sentence per error, exit codes, and the same names as in Python."""

import importlib.metadata
import inspect
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import get_type_hints

import av
import pytest
from typer.testing import CliRunner

import mmdia_dataset
from mmdia_dataset import cli
from mmdia_dataset.cli.app import GROUPS
from mmdia_dataset.cli.terminal import count_text
from mmdia_dataset.clips.settings import CutOptions
from tests.support.shell import COMMANDS, FUNCTION_ONLY, RENAMED, SHELL_ONLY, mmdia
from tests.support.worlds import SPANS, make_world, tree, write_movie

pytestmark = pytest.mark.quick


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def built(world):
    mmdia_dataset.rebuild(world.release, world.media, world.root / "built")
    return world.root / "built"


def test_the_console_script_and_help():
    done = subprocess.run([sys.executable, "-c", "from mmdia_dataset.cli import main; main()", "--help"],
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0
    for name in ("demo", "doctor", "validate", "convert", "locate", "rebuild", "stats"):
        assert name in done.stdout


def test_help_lists_every_command_once_in_a_group_and_in_a_line():
    assert sorted(name for names in GROUPS.values() for name in names) == COMMANDS
    shown = CliRunner().invoke(cli.app, ["--help"], env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"}).stdout
    for title in GROUPS:
        assert f"\n{title}:\n" in shown
    for name in COMMANDS:
        assert re.search(rf"^  {name} +[A-Z].*\.$", shown, re.MULTILINE), shown
    assert "..." not in shown.split("Start:")[1]
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize("name", ["rebuild", "pack"])
def test_help_says_which_options_belong_to_which_mode(name):
    shown = CliRunner().invoke(cli.app, [name, "--help"]).stdout
    order = ["--out", "--language", "--mode encode:", "--fps", "--height", "--preset", "--mode audio:", "--mono"]
    order += ["--float32", "--mode keyframes:", "--times", "--nearest"]
    places = [shown.index(word) for word in order]
    assert places == sorted(places)


def test_version():
    assert mmdia("--version")[0] == f"mmdia-dataset {mmdia_dataset.__version__}\n"


def test_counts_are_of_one_or_of_several():
    assert [count_text(count, "clip") for count in (0, 1, 2000)] == ["0 clips", "1 clip", "2,000 clips"]
    assert [count_text(count, "entry", "entries") for count in (1, 2)] == ["1 entry", "2 entries"]


def test_help_is_light():
    code = (
        "import sys; from mmdia_dataset import cli; from typer.testing import CliRunner;"
        "CliRunner().invoke(cli.app, ['rebuild', '--help']);"
        "print([m for m in ('av','datasets','pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_and_functions_have_the_same_arguments_and_defaults(name):
    def arguments(function):
        found = {}
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind is parameter.VAR_KEYWORD:
                assert parameter.annotation == "Unpack[CutOptions]"
                found |= {key: str(False if kind is bool else None) for key, kind in get_type_hints(CutOptions).items()}
                continue
            default = parameter.default
            found[RENAMED.get(parameter.name, parameter.name)] = None if default is parameter.empty else str(default)
        return {key: value for key, value in found.items() if key not in SHELL_ONLY | FUNCTION_ONLY}

    assert arguments(getattr(getattr(cli, name), name)) == arguments(getattr(mmdia_dataset, name))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_reports_as_json_too(name):
    assert inspect.signature(getattr(getattr(cli, name), name)).parameters["format_"].default == "text"


def test_locate(world):
    out, err = mmdia("locate", "--release", world.release, "--media", world.media)
    assert "found    tt0000001" in out
    assert "missing  tt0000003" in out
    assert "5 of 6 dialogues" in out
    assert "mmdia rebuild" in err
    out, _ = mmdia("locate", "--release", world.release, "--media", world.media, "--format", "json")
    report = json.loads(out)
    assert set(report["located"]) == {"tt0000001", "tt0000002"}
    assert report["forecast"]["clips"] == 5


def test_rebuild(world, built, tmp_path):
    command = ["rebuild", "--release", world.release, "--media", world.media, "--out", tmp_path / "built"]
    out, err = mmdia(*command)
    assert "5 clips made, 0 kept, 1 refused" in out
    assert "1 refused, of 1 movie: no-recording" in out
    assert "tt0000003_clip_0: no file or folder name matches tt0000003" in out
    assert "plan: up to 5 of 6 dialogues, from 2 of 3 movies" in err
    assert tree(tmp_path / "built") == tree(built)
    out, _ = mmdia(*command, "--format", "json")
    assert json.loads(out)["kept"] == 5


def test_before_gets_the_forecast_and_nothing_is_written_yet(world, built, tmp_path):
    class StopError(Exception):
        pass

    def stop(plan):
        plans.append(plan)
        raise StopError

    plans, out = [], tmp_path / "out"
    with pytest.raises(StopError):
        mmdia_dataset.rebuild(world.release, world.media, out, before=stop)
    with pytest.raises(StopError):
        mmdia_dataset.pack(out=out, release=world.release, media=world.media, before=stop)
    with pytest.raises(StopError):
        mmdia_dataset.pack(built, out, before=stop)
    rebuilding, films, packing = plans
    assert (rebuilding.forecast.clips, films.plan.forecast.clips) == (5, 5)
    assert sum(packing.layout.samples_of().values()) >= 5
    assert not out.exists()


def test_rebuild_of_nothing(world, tmp_path):
    (tmp_path / "empty").mkdir()
    out, err = mmdia(
        "rebuild", "--release", world.release, "--media", tmp_path / "empty", "--out", tmp_path / "built", code=1
    )
    assert "0 clips made" in out
    assert "next: mmdia locate" in err


def test_validate(world, built):
    assert "0 errors, 0 warnings" in mmdia("validate", built)[0]
    out, _ = mmdia("validate", world.release)
    assert "6 dialogues: 0 errors" in out
    found = json.loads(mmdia("validate", world.release, "--format", "json")[0])
    assert found["dialogues"] == 6
    assert len(found["issues"]) == found["warnings"] + found["errors"] + found["notes"]
    assert mmdia("validate", built / "manifest.jsonl", built / "editions" / "tt0000001.json")[0].startswith("0 errors")


def test_validate_groups_counts_and_writes_a_full_list(tmp_path):
    file = write_movie(tmp_path, "tt0000001", SPANS["tt0000001"] * 3)
    data = json.loads(file.read_text())
    for number, clip in enumerate(data["clips"]):
        if number < 5:
            clip["srt"][0]["abs_end_time"] = "00:00:00,000"
    file.write_text(json.dumps(data))
    out, _ = mmdia("validate", tmp_path / "release", "--report", tmp_path / "all.jsonl", code=1)
    assert "error    ends-before-start  (5)" in out
    assert "… and 2 more" in out
    assert "$.clips[0].srt[0]" in out
    listed = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert sum(issue["rule"] == "ends-before-start" for issue in listed) == 5
    report = ["--report", tmp_path / "too.jsonl", "--format", "json"]
    assert len(json.loads(mmdia("validate", tmp_path / "release", *report, code=1)[0])["issues"]) == len(listed)
    assert (tmp_path / "too.jsonl").read_text() == (tmp_path / "all.jsonl").read_text()


def test_stats_stand_beside_the_papers(world):
    out, _ = mmdia("stats", world.release)
    rows = {line[:22].strip(): line[22:].split() for line in out.splitlines()[1:]}
    assert rows["dialogues"][0] == "6"
    assert rows["dialogues"][-2:] == ["54,700", "309"]
    found = json.loads(mmdia("stats", world.release, "--format", "json")[0])
    assert (found["all"]["turns"], found["hard"]["dialogues"], found["paper"]["turns"]) == (12, 1, 449_138)


@pytest.mark.parametrize("to", ["parquet", "jsonl", "srt", "utterances", "training"])
def test_convert(world, tmp_path, to):
    out, _ = mmdia("convert", world.release, "--to", to, "--out", tmp_path / to)
    assert out.startswith("6 dialogues")
    assert "6 dialogues" in mmdia("validate", tmp_path / to)[0]
    found = json.loads(mmdia("convert", world.release, "--to", to, "--out", tmp_path / "again", "--format", "json")[0])
    assert (found["dialogues"], found["dialect"], found["unreadable"]) == (6, to, 0)


def test_convert_leaves_sound_where_it_is_and_says_so(tmp_path):
    release, out = tmp_path / "release", tmp_path / "out"
    write_movie(tmp_path, "tt0000001", SPANS["tt0000001"])
    for name in ("audio/movie/tt0000001/clip_000.wav", "video/movie/tt0000001/clip_001.mp4"):
        (release / name).parent.mkdir(parents=True)
        (release / name).write_bytes(b"sound")
    _, err = mmdia("convert", release, "--to", "parquet", "--out", out)
    assert re.search(f"sound and video stay where they are.*: {release}/audio, {release}/video$", err, re.M)
    assert sorted(tree(out)) == [".mmdia-release.json", "dialogues/train.parquet", "movies.jsonl"]
    (out / "audio").symlink_to(release / "audio")
    assert mmdia_dataset.stats(out).sound["voice"].dialogues == 1


def test_a_single_file_is_converted_beside_itself(world, tmp_path):
    file = write_movie(tmp_path, "tt0000001", SPANS["tt0000001"])
    assert mmdia("convert", file, "--to", "jsonl", "--out", file.parent / "out")[0].startswith("3 dialogues")
    _, err = mmdia("convert", tmp_path / "release", "--to", "jsonl", "--out", file.parent / "more", code=2)
    assert "contain each other" in err


def test_doctor_gives_one_next_step(world, monkeypatch, tmp_path):
    monkeypatch.delenv("MMDIA_HOME", raising=False)
    assert mmdia("doctor")[0].splitlines()[-1] == "next: mmdia demo"
    assert "next: mmdia locate" in mmdia("doctor", "--release", world.release)[0]
    assert "next: mmdia rebuild" in mmdia("doctor", "--release", world.release, "--media", world.media)[0]
    assert "BAD" in mmdia("doctor", "--release", tmp_path, code=1)[0]
    assert json.loads(mmdia("doctor", "--format", "json")[0])["next"]


def test_doctor_sees_sound_that_was_not_decoded_yet(tmp_path):
    write_movie(tmp_path, "tt0000001", SPANS["tt0000001"])
    options = ("doctor", "--release", tmp_path / "release")
    assert "  sound " not in mmdia(*options)[0]
    for name in ("audio_encoded/movie/tt0000001/clip_001/clip_001.dac", "audio/movie/tt0000001/clip_000.wav"):
        (tmp_path / "release" / name).parent.mkdir(parents=True)
        (tmp_path / "release" / name).write_bytes(b"")
    out = mmdia(*options)[0]
    assert re.search(r"^missing +sound +the encoded sound of 1 dialogue was not decoded yet$", out, re.M)
    assert out.splitlines()[-1] == f"next: mmdia decode {tmp_path / 'release'} --weights FILE"
    assert "next: mmdia decode" in mmdia(*options, "--media", tmp_path)[0]
    (tmp_path / "release" / "audio" / "movie" / "tt0000001" / "clip_001.wav").write_bytes(b"")
    out = mmdia(*options)[0]
    assert re.search(r"^ok +sound +2 files of sound and video$", out, re.M)
    assert "next: mmdia locate" in out


def test_doctor_tries_a_film_and_says_what_fails(monkeypatch):
    assert re.search(r"^ok +film +a second of film can be written, opened and decoded$", mmdia("doctor")[0], re.M)
    right = av.open

    def unable(file, mode=None, **options):
        if mode == "w":
            return right(file, mode, **options)
        raise TypeError("open() got an unexpected keyword argument")

    monkeypatch.setattr(av, "open", unable)
    out = mmdia("doctor", code=1)[0]
    assert re.search(r"^BAD +film +TypeError: open\(\) got an unexpected keyword argument; pip install .*av", out, re.M)
    assert out.splitlines()[-1] == "next: correct what is marked BAD above"


@pytest.mark.parametrize(
    ("found", "said"), [("0.5.3", "0.5.3 is too old; pip install 'av>="), (None, "not installed; pip install 'av>=")]
)
def test_doctor_counts_on_no_package_that_is_missing_or_too_old(monkeypatch, found, said):
    right = importlib.metadata.version

    def version(name):
        if name != "av":
            return right(name)
        if found is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return found

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert said in next(line for line in mmdia("doctor", code=1)[0].splitlines() if line.startswith("BAD      av "))


def test_pyproject_gives_every_dependency_a_lower_bound_that_doctor_understands():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [line for name in ("metrics", "test") for line in project["optional-dependencies"][name]]
    for line in project["dependencies"] + [line for line in extras if not line.startswith("mmdia-dataset[")]:
        assert re.fullmatch(r"[\w.-]+(\[\w+\])?>=\d+(\.\d+)*", line), line


def test_demo_goes_the_whole_way(tmp_path):
    out, err = mmdia("demo", "--out", tmp_path / "demo")
    clip = next(line.split(maxsplit=2)[2] for line in out.splitlines() if line.startswith("a clip"))
    assert clip.endswith(".mp4")
    assert (tmp_path / "demo").as_posix() in clip
    assert "load_dataset" in err
    assert "listening …\n" in err
    assert "cutting clips …\n" in err
    assert mmdia_dataset.validate(tmp_path / "demo" / "built").counts == {}
    before = tree(tmp_path / "demo" / "built")
    found = json.loads(mmdia("demo", "--out", tmp_path / "demo", "--format", "json")[0])
    assert (found["clip"], found["rebuilt"]["kept"]) == (clip, found["rebuilt"]["wanted"])
    assert tree(tmp_path / "demo" / "built") == before


def test_demo_leaves_other_folders_alone(tmp_path):
    write(tmp_path / "release", "splits.json", b"{}")
    _, err = mmdia("demo", "--out", tmp_path, code=2)
    assert "was not made by mmdia demo" in err
    assert (tmp_path / "release" / "splits.json").read_bytes() == b"{}"


def write(folder, name, content):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return folder


GOOD = b'{"movie": "tt0000001", "clips": [{"clip_id": 0, "srt": ['
BAD_RELEASES = {
    "not JSON": b"hello",
    "another shape": b'{"a": 1}',
    "truncated": GOOD,
    "wrong encoding": '{"movie": "tt0000001", "clips": [{"clip_id": 0, "srt": [], "speaker": ["Ünï"]}]}'.encode(
        "utf-16"
    ),
    "latin-1": '{"movie": "tt0000001", "clips": [{"clip_id": 0, "srt": [], "speaker": ["Ünï"]}]}'.encode("latin-1"),
    "empty": b"",
    "binary": bytes(range(256)),
}


@pytest.mark.parametrize("kind", BAD_RELEASES)
@pytest.mark.parametrize("command", ["validate", "stats", "convert", "locate", "rebuild"])
def test_a_release_that_is_none_is_one_sentence(world, tmp_path, kind, command):
    folder = write(tmp_path / "release" / "json" / "movie", "tt0000001.json", BAD_RELEASES[kind]).parent.parent
    out = tmp_path / "out"
    arguments = {
        "validate": [folder],
        "stats": [folder],
        "convert": [folder, "--to", "parquet", "--out", out],
        "locate": ["--release", folder, "--media", world.media],
        "rebuild": ["--release", folder, "--media", world.media, "--out", out],
    }[command]
    result = CliRunner().invoke(cli.app, [command, *map(str, arguments)])
    assert result.exit_code in ((1, 3) if command in ("validate", "convert", "stats") else (2, 3)), result.stdout
    said = result.stdout if result.exit_code == 1 and command == "validate" else result.stderr
    assert said.strip()
    assert "Traceback" not in result.stderr + result.stdout
    assert not out.exists()


@pytest.mark.parametrize("command", ["validate", "stats"])
def test_empty_and_missing_folders(tmp_path, command):
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", tmp_path / "gone"):
        result = CliRunner().invoke(cli.app, [command, str(path)])
        assert result.exit_code in (2, 3)
        assert len(result.stderr.strip().splitlines()) == 1
        assert result.stderr.startswith("mmdia: ")


def test_wrong_usage_exits_with_2():
    for arguments in (["nonsense"], ["rebuild"], ["convert", "x", "--to", "pdf", "--out", "y"]):
        assert CliRunner().invoke(cli.app, arguments).exit_code == 2


def test_debug_shows_the_traceback(tmp_path):
    result = CliRunner().invoke(cli.app, ["--debug", "stats", str(tmp_path / "gone")])
    assert isinstance(result.exception, mmdia_dataset.MmdiaError)

"""Run the quick tests and the demo on the lowest packages of pyproject.toml and on the newest, and older `datasets`.

    python tools/matrix.py                      all of them
    python tools/matrix.py lowest newest-3.13   these
    python tools/matrix.py --others             all but the newest packages on this Python, which `make test` has used

`lowest` and `datasets-…` run on the lowest Python of pyproject's classifiers, `newest-…` on each of them. A Python is
looked for on PATH and under ~/.pyenv/versions; a missing one is printed, and is not a failure. `make` does
everything, in separate environments in `.cache/matrix/`. They are used again until pyproject.toml changes; remove the
folder to get the newest packages. `lowest` is installed by uv, since pip tries hundreds of
versions of boto3 for an s3fs of some age.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "matrix"
OLDER_DATASETS = ("3.6", "4.8")
LOADER_TESTS = (
    "tests/loader/test_load.py",
    "tests/publishing/test_card_page.py",
    "tests/views/test_tasks.py",
    "tests/commands/test_publish.py",
    "tests/commands/test_coverage.py",
    "tests/access/test_decoding.py",
    "tests/clips/test_stills.py",
    "tests/shards/test_packing.py",
)


@dataclass(frozen=True)
class Environment:
    """A Python, what binds the versions of packages, and what `make` is to do with both."""

    name: str
    version: str  # of Python, as 3.11
    constraints: tuple[str, ...]
    targets: tuple[str, ...]
    uv: bool = False


def environments() -> list[Environment]:
    """All that pyproject.toml calls for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    versions = sorted(named, key=lambda version: int(version.split(".")[1]))
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *extras["metrics"], *extras["test"]]
    lowest = [re.sub(r"\[.*\]", "", line).replace(">=", "==") for line in asked if ">=" in line]
    quick = ("quick", "demo")
    return [
        Environment("lowest", versions[0], tuple(lowest), quick, uv=True),
        *(Environment(f"newest-{version}", version, (), quick) for version in versions),
        *(
            Environment(
                f"datasets-{version}",
                versions[0],
                (f"datasets=={version}.*",),
                ("test", f"TESTS={' '.join(LOADER_TESTS)}"),
            )
            for version in OLDER_DATASETS
        ),
    ]


def interpreter(version: str) -> str | None:
    """A Python of that version on this machine that can make environments."""
    homes = Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}")
    code = f"import sys, venv, ensurepip; sys.exit('%d.%d' % sys.version_info[:2] != {version!r})"
    for python in (f"python{version}", *sorted(map(str, homes), reverse=True)):
        # Also what is on PATH is tried: pyenv puts commands there that only say that another version is chosen.
        if (
            shutil.which(python)
            and not subprocess.run([python, "-c", code], capture_output=True, check=False).returncode
        ):
            return python
    return None


def installer(python: str) -> Path:
    """uv, in an environment of its own."""
    folder = CACHE / "uv"
    if not (folder / "bin" / "uv").is_file():
        subprocess.run([python, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", "uv"], check=True)
    return folder / "bin" / "uv"


def run(environment: Environment, python: str) -> int:
    """Make the environment if it is not there, and run the targets in it. Gives make's exit code."""
    folder, demo, bounds = (
        CACHE / environment.name,
        CACHE / f"demo-{environment.name}",
        CACHE / f"{environment.name}.txt",
    )
    shutil.rmtree(demo, ignore_errors=True)
    CACHE.mkdir(parents=True, exist_ok=True)
    bounds.write_text("".join(f"{line}\n" for line in environment.constraints), encoding="utf-8")
    inner = ("PYTHONPATH", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL")
    outside = {name: value for name, value in os.environ.items() if name not in inner}
    where = [
        f"{name}={path.relative_to(ROOT)}" for name, path in (("VENV", folder), ("DEMO", demo), ("BOUNDS", bounds))
    ]
    if environment.uv:
        where.append(f"PIP={installer(python)} pip install --python {folder}/bin/python")
    return subprocess.run(
        ["make", *environment.targets, f"PYTHON={python}", *where], cwd=ROOT, env=outside, check=False
    ).returncode


def main(asked: list[str]) -> int:
    """Run all, and say at the end which failed. Gives the exit code."""
    here = f"newest-{sys.version_info.major}.{sys.version_info.minor}"
    choices = environments()
    names = [environment.name for environment in choices]
    if asked == ["--others"]:
        asked = [name for name in names if name != here]
    unknown = [name for name in asked if name not in names]
    if unknown:
        print(f"unknown environment {unknown[0]!r}; known are {', '.join(names)}", file=sys.stderr)
        return 2
    failed = []
    for environment in choices:
        if asked and environment.name not in asked:
            continue
        python = interpreter(environment.version)
        if python is None:
            print(f"{environment.name}: left out, Python {environment.version} is not on this machine", flush=True)
            continue
        print(f"{environment.name}: begun, with {python}", flush=True)
        started = time.monotonic()
        code = run(environment, python)
        print(
            f"{environment.name}: {'failed' if code else 'good'} after {time.monotonic() - started:.0f} s", flush=True
        )
        if code:
            failed.append(environment.name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

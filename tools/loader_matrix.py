"""Run the loader's tests on several versions of `datasets`, each in an environment of its own.

    python tools/loader_matrix.py             all versions
    python tools/loader_matrix.py 3.6 5.2     these

Needs Python 3.11 or later with venv, nothing else. Environments are kept in `.cache/loader/` and used again as long as
pyproject.toml asks for the same; remove the folder to have the newest packages.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "loader"
VERSIONS = ("3.6", "4.8", "5.2")
TESTS = (
    "tests/loader/test_load.py",
    "tests/publishing/test_card_page.py",
    "tests/views/test_tasks.py",
    "tests/commands/test_publish.py",
    "tests/commands/test_coverage.py",
    "tests/access/test_decoding.py",
    "tests/clips/test_stills.py",
    "tests/shards/test_packing.py",
)
PACKAGES = ("pytest>=8", "pytest-xdist>=3.5", "hypothesis>=6.100")


def environment(version: str) -> Path:
    """The Python of an environment with that version of `datasets`, made if it is not there."""
    folder = CACHE / version
    python = folder / "bin" / "python"
    asked = f"{sys.version}\n{version}\n{PACKAGES}\n{(ROOT / 'pyproject.toml').read_text(encoding='utf-8')}"
    state = hashlib.sha256(asked.encode()).hexdigest()
    done = folder / "complete"
    if done.is_file() and done.read_text(encoding="utf-8") == state:
        return python
    print(f"datasets {version}: making {folder.relative_to(ROOT)}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    # Not the environment this may itself run in: its packages must not be seen.
    base = Path(sys.base_prefix, "bin", "python3")
    subprocess.run([base if base.is_file() else sys.executable, "-m", "venv", folder], check=True)
    pip: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, f"datasets=={version}.*", *PACKAGES, "--editable", ROOT], check=True)
    done.write_text(state, encoding="utf-8")
    return python


def main(versions: list[str]) -> int:
    """Run all, and say at the end which failed. Gives the exit code."""
    unknown = [version for version in versions if version not in VERSIONS]
    if unknown:
        print(f"unknown version {unknown[0]!r}; known are {', '.join(VERSIONS)}", file=sys.stderr)
        return 2
    failed = []
    for version in versions or VERSIONS:
        started = time.monotonic()
        try:
            python = environment(version)
        except subprocess.CalledProcessError as error:
            print(f"datasets {version}: the environment could not be made ({error})", file=sys.stderr)
            failed.append(version)
            continue
        command: list[str | Path] = [python, "-m", "pytest", "--quiet", "-n", "2", "-p", "no:cacheprovider", *TESTS]
        outside = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
        code = subprocess.run(command, cwd=ROOT, env=outside, check=False).returncode
        print(
            f"datasets {version}: {'failed' if code else 'good'} after {time.monotonic() - started:.0f} s", flush=True
        )
        if code:
            failed.append(version)
    if failed:
        print(f"failed on datasets {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Have lhotse read our exports back, in an environment of its own: it needs torch, which is several gigabytes.

    python tools/export_readers.py

The environment is kept in `.cache/readers/` and used again as long as pyproject.toml asks for the same.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".cache" / "readers"
# lhotse imports urllib3 without asking for it.
PACKAGES = ("lhotse>=1.30", "urllib3", "pytest>=8", "imageio-ffmpeg>=0.5")
TESTS = ("tests/exports/test_lhotse.py",)


def environment() -> Path:
    """The Python of an environment with the readers, made if it is not there."""
    python, done = FOLDER / "bin" / "python", FOLDER / "complete"
    asked = f"{sys.version}\n{PACKAGES}\n{(ROOT / 'pyproject.toml').read_text(encoding='utf-8')}"
    state = hashlib.sha256(asked.encode()).hexdigest()
    if not (done.is_file() and done.read_text(encoding="utf-8") == state):
        shutil.rmtree(FOLDER, ignore_errors=True)
        base = Path(sys.base_prefix, "bin", "python3")  # not the environment this may itself run in
        subprocess.run([base if base.is_file() else sys.executable, "-m", "venv", FOLDER], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES, "--editable", ROOT], check=True)
        done.write_text(state, encoding="utf-8")
    return python


if __name__ == "__main__":
    sys.exit(subprocess.run([environment(), "-m", "pytest", "-q", "-rs", *TESTS], cwd=ROOT, check=False).returncode)

"""The code blocks of README and docs/ run in order in one folder; first the shell's, since Python's use what they make.

A block is left out only where the line above it is an HTML comment that starts with `not run` and says why.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^(<!-- not run: [^\n]+ -->\n)?```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS = "import sys; from mmdia_dataset.cli import main; main()"


def blocks(language):
    found = []
    for file in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text = file.read_text(encoding="utf-8")
        found += [code for skipped, kind, code in BLOCK.findall(text) if kind == language and not skipped]
    return found


def test_the_blocks_of_the_docs_run(tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "mmdia").write_text(f"#!/bin/sh\nexec {sys.executable} -c '{COMMANDS}' \"$@\"\n")
    (tools / "mmdia").chmod(0o755)
    place = tmp_path / "place"
    place.mkdir()
    environment = {
        **os.environ,
        "PATH": f"{tools}:{os.environ['PATH']}",
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": str(ROOT),
    }
    assert len(blocks("sh")) >= 7
    for code in blocks("sh"):
        done = subprocess.run(["sh", "-e", "-c", code], cwd=place, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, (code, done.stdout, done.stderr)
    assert len(blocks("python")) >= 3
    for code in blocks("python"):
        done = subprocess.run([sys.executable, "-c", code], cwd=place, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, (code, done.stderr)
        assert done.stdout.strip()
    assert shutil.which("mmdia", path=str(tools))


def test_the_media_map_of_the_readme_is_one(tmp_path):
    from mmdia_dataset.library import locate

    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "sense.mkv").write_bytes(b"")
    (tmp_path / "media.toml").write_text(blocks("toml")[0], encoding="utf-8")
    library = locate(["tt0114388", "tv_01_mad_men_S05E01-E02"], tmp_path)
    assert set(library.located) == {"tt0114388"}
    assert "no such file" in library.missing["tv_01_mad_men_S05E01-E02"].reason.detail

"""Write the example card in `cards/example/`, or check that it is up to date.

python tools/make_card.py --write
python tools/make_card.py --check

Its release is made up. Pictures are not compared: their bytes change with the drawing library.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mmdia_dataset.commands.card import card  # noqa: E402
from mmdia_dataset.release import convert, open_release  # noqa: E402
from tests.support.releases import write_release  # noqa: E402

FOLDER = ROOT / "cards" / "example"


def rendered(folder: Path) -> Path:
    """A folder with the card and its pictures."""
    release = write_release(folder / "made-up", movies=12, dialogues=600, seed=1, splits=False)
    convert(open_release(release), folder / "out", "parquet")
    report = card(folder / "out", repo="ORG/NAME", licence="cc-by-nc-4.0")
    if report.faults:
        raise SystemExit("\n".join(report.faults))
    readme = report.files[0]
    # The hash of the data files changes with the library that writes them.
    text = re.sub(r"state [0-9a-f]{16}", "state 0123456789abcdef", readme.read_text(encoding="utf-8"))
    readme.write_text(text, encoding="utf-8")
    return folder / "out"


def main() -> int:
    """Write or check; 1 if a check fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--write", action="store_true", help="write the files")
    group.add_argument("--check", action="store_true", help="fail if the card differs")
    with tempfile.TemporaryDirectory() as temporary:
        fresh = rendered(Path(temporary))
        pictures = sorted(file.name for file in (fresh / "figures").glob("*.png"))
        if parser.parse_args().write:
            shutil.rmtree(FOLDER, ignore_errors=True)
            shutil.copytree(fresh / "figures", FOLDER / "figures")
            shutil.copyfile(fresh / "README.md", FOLDER / "README.md")
            return 0
        present = sorted(file.name for file in (FOLDER / "figures").glob("*.png"))
        same = (FOLDER / "README.md").read_bytes() == (fresh / "README.md").read_bytes() and present == pictures
    if not same:
        sys.stderr.write("out of date: cards/example; run python tools/make_card.py --write\n")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())

"""Write `docs/refusals.md` from the table of refusals, or check that it is up to date.

python tools/export_refusals.py --write
python tools/export_refusals.py --check
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from mmdia_dataset.refusals import Refusal, RefusalSeverity

FILE = Path(__file__).resolve().parent.parent / "docs" / "refusals.md"

HEAD = """\
<!-- written by tools/export_refusals.py; change mmdia_dataset/refusals.py instead -->
# My film was refused: why, and what now

`mmdia` never guesses. A dialogue that it can't cut for certain gets no clip, and the report, `manifest.jsonl` and the
files in `editions/` say why: a rule from this page and a sentence about your file. There are three kinds of refusals.
Commands end with exit code 1 if there was a fault, or if they made nothing at all; the other two kinds are normal.

RELEASE, MEDIA and OUT stand for the folder of annotations, the folder of your films and the folder of the clips.
`media.toml` lies in the folder of your films; the ids in it are examples.
"""

KINDS = {
    RefusalSeverity.YOURS: "Something is missing that you, or the curator of the annotations, can provide.",
    RefusalSeverity.EDITION: "Your file is fine, but it is another edition of the film, a dub, or another film.",
    RefusalSeverity.FAULT: "The dialogue should be there. Your file, the annotations or an earlier run is to blame.",
}


def rendered() -> str:
    """The page."""
    return "\n".join([HEAD, *_parts()])


def _parts() -> Iterator[str]:
    for severity, meaning in KINDS.items():
        yield f"## {severity.capitalize()}\n\n{meaning}\n"
        for rule in Refusal:
            if rule.severity is severity:
                steps = "".join(f"- {step[:1].upper()}{step[1:]}.\n" for step in rule.ways())
                yield f"### `{rule}`\n\n{rule.sentence}\n\n{steps}"


def main() -> int:
    """Write or check; 1 if a check fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--write", action="store_true", help="write the page")
    group.add_argument("--check", action="store_true", help="fail if the page differs from the table")
    if parser.parse_args().write:
        FILE.write_text(rendered(), encoding="utf-8")
        return 0
    same = FILE.is_file() and FILE.read_text(encoding="utf-8") == rendered()
    if not same:
        sys.stderr.write("out of date: docs/refusals.md; run python tools/export_refusals.py --write\n")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())

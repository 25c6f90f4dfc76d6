"""Write the JSON Schemas in `schema/` from the models, or check that they are up to date.

python tools/export_schema.py --write
python tools/export_schema.py --check
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from mmdia_dataset.schema.arrow import JSON_SCHEMAS, json_schema

FOLDER = Path(__file__).resolve().parent.parent / "schema"


def rendered() -> dict[str, str]:
    """File name and text of each schema."""
    return {
        f"{name}.schema.json": json.dumps(json_schema(name), ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        for name in JSON_SCHEMAS
    }


def main() -> int:
    """Write or check; 1 if a check fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--write", action="store_true", help="write the files")
    group.add_argument("--check", action="store_true", help="fail if a file differs from the models")
    expected = rendered()
    if parser.parse_args().write:
        FOLDER.mkdir(exist_ok=True)
        for name, text in expected.items():
            (FOLDER / name).write_text(text, encoding="utf-8")
        for file in FOLDER.glob("*.schema.json"):
            if file.name not in expected:
                file.unlink()
        return 0
    present = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.schema.json")}
    stale = sorted(name for name in expected.keys() | present.keys() if expected.get(name) != present.get(name))
    if stale:
        sys.stderr.write(f"out of date: {', '.join(stale)}; run python tools/export_schema.py --write\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())

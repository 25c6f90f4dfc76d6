"""Let mlcroissant validate and read a `croissant.json`, in an environment of its own.

    python tools/croissant_check.py            of a made-up release
    python tools/croissant_check.py FOLDER...  of these

mlcroissant brings pandas, scipy, rdflib and networkx, too much for the test environment. It is kept in
`.cache/croissant/`; remove the folder to have the newest packages.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "croissant"

READ = """
import json, sys
import mlcroissant
dataset = mlcroissant.Dataset(jsonld=sys.argv[1])  # raises if it is not valid
ids = {}
for records in dataset.metadata.record_sets:
    name = records.uuid if hasattr(records, "uuid") else records.id
    rows = list(dataset.records(record_set=name))
    ids[name] = [row[f"{name}/id"].decode() for row in rows]
print(json.dumps({"errors": len(dataset.metadata.issues.errors), "ids": ids}))
"""


def environment() -> Path:
    """The Python of an environment with mlcroissant, made if it is not there."""
    python = CACHE / "bin" / "python"
    if not (CACHE / "complete").is_file():
        subprocess.run([sys.executable, "-m", "venv", "--clear", CACHE], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "mlcroissant>=1.1", "pyarrow"], check=True)
        (CACHE / "complete").touch()
    return python


def check(folder: Path, python: Path) -> bool:
    """Whether mlcroissant finds no error and reads the rows that are there."""
    import pyarrow.parquet as pq

    done = subprocess.run([python, "-c", READ, folder / "croissant.json"], capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{folder}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return False
    read = json.loads(done.stdout.strip().splitlines()[-1])
    croissant = json.loads((folder / "croissant.json").read_text(encoding="utf-8"))
    stored = {
        records["@id"]: pq.read_table(folder / file["contentUrl"], columns=["id"]).column("id").to_pylist()
        for records, file in zip(croissant["recordSet"], croissant["distribution"], strict=True)
    }
    good = bool(read["errors"] == 0 and read["ids"] == stored)
    print(f"{folder}: {read['errors']} errors, {sum(map(len, read['ids'].values())):,} records", flush=True)
    return good


def main(folders: list[str]) -> int:
    """Check all; 1 if one is wrong."""
    python = environment()
    if folders:
        wrong = [folder for folder in folders if not check(Path(folder), python)]
        return 1 if wrong else 0
    sys.path.insert(0, str(ROOT))
    from mmdia_dataset.publishing.publication import make_publication
    from tests.support.releases import write_release

    with tempfile.TemporaryDirectory() as temporary:
        release = write_release(Path(temporary, "release"), movies=5, dialogues=200)
        make_publication(release, Path(temporary, "publication"))
        return 0 if check(Path(temporary, "publication"), python) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What happens to clips when films, disks and processes fail: random faults, counted.

python tools/faults.py films|kills|disk|memory|all [--modes copy encode audio keyframes] [--rounds 50] [--seed 0]

films   truncated, bit-flipped, zeroed, without index, garbage, under a wrong extension, still growing, unreadable in
        the middle (needs a C compiler). Every clip that was made is read back: it must be that of its span.
kills   a rebuild by one and by two processes, killed with -9 at random moments together with its workers and run again,
        or one worker alone: the same bytes as an undisturbed run, and nothing else in the folder.
disk    a rebuild onto a disk that fills up at a random moment, then gets room: the same (needs `unshare`).
memory  peak memory and open files from 10 clips to 1,000 and from ten minutes to three hours: they must not grow.

Exit code 1 if anything wrong was made.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from faults_films import SETTINGS, campaign_films  # noqa: E402 - the generators of films and worlds are the tests' own
from faults_memory import campaign_memory  # noqa: E402
from faults_rebuilds import campaign_disk, campaign_kills  # noqa: E402

import mmdia_dataset  # noqa: E402

CAMPAIGNS = {"films": campaign_films, "kills": campaign_kills, "disk": campaign_disk, "memory": campaign_memory}


def main() -> int:
    """Run one or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=[*CAMPAIGNS, "all"])
    parser.add_argument("--modes", nargs="*", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, help="an empty folder to work in; a temporary one by default")
    options = parser.parse_args()
    work = options.work or Path(tempfile.mkdtemp(prefix="faults-"))
    wrong = 0
    for name, run in CAMPAIGNS.items():
        for mode in options.modes if options.name in (name, "all") else ():
            print(f"{name}, {mode}:", flush=True)
            folder, started = work / name / mode, time.monotonic()
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            wrong += run(folder, options.rounds, options.seed, mode)
            shutil.rmtree(folder)
            print(f"  ({time.monotonic() - started:.0f} s)", flush=True)
    print(f"mmdia_dataset {mmdia_dataset.__version__}: " + (f"{wrong} WRONG" if wrong else "nothing wrong was made"))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""Long fuzzing of the code that reads untrusted shards: `check`, and the codec of keys.

    python tools/fuzz_shards.py [--minutes 20] [--seed 0]

Shards, good and hostile, are damaged at random: bits, blocks, headers with and without a repaired checksum,
members moved and repeated, wrong sizes, edited indexes. Each case is checked as our shard and as a foreign one. It must
not raise, take longer than a few seconds or 500 MB, or open anything outside its folder. A shard whose bytes differ
from the index must never pass. What fails is kept in `bench/fuzz/`.
"""

from __future__ import annotations

import argparse
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import mmdia_dataset  # noqa: E402 - the generators of damage are the tests' own
from mmdia_dataset.commands.check import check  # noqa: E402
from mmdia_dataset.shards.keys import id_of, is_key, key_of  # noqa: E402
from mmdia_dataset.shards.shardcheck import ShardTask, check_shard  # noqa: E402
from mmdia_dataset.shards.stores import Store  # noqa: E402
from tests.support import faulty, worlds  # noqa: E402

KEPT = ROOT / "bench" / "fuzz"
NAMES = [
    "../../x.json",
    "/etc/passwd",
    "a.b.json",
    "A.JSON",
    "",
    ".",
    "..",
    "x" * 100,
    "a\0b",
    "\xff.mp4",
    "é.wav",
    "a/",
]
KINDS = b"01234567xgLKSDMV\0Z"
ALLOWED = (sys.prefix, sys.base_prefix, str(ROOT), "/proc/", "/dev/null", "/usr/lib", "/etc/localtime")


class Watch:
    """Notes whatever is opened outside one folder."""

    def __init__(self) -> None:
        self.folder = ""
        self.seen: list[str] = []
        sys.addaudithook(self._hook)

    def _hook(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.folder:
            return
        path = ""
        if event == "open" and isinstance(args[0], (str, bytes)):
            path = args[0] if isinstance(args[0], str) else args[0].decode("utf-8", "replace")
        elif event in ("os.mkdir", "os.symlink", "os.link", "os.remove", "os.rename", "subprocess.Popen", "os.system"):
            path = f"{event} {args}"
        if path and not path.startswith((self.folder, *ALLOWED)):
            self.seen.append(path)


class Finding(Exception):
    """Something that must not be."""


def claim(true: bool, what: str) -> None:
    """Raise Finding unless it is true."""
    if not true:
        raise Finding(what)


def spoil(rnd: random.Random, data: bytes, pool: list[bytes]) -> bytes:
    """A tar, with one thing after the other done to it."""
    raw = bytearray(data)
    for _ in range(rnd.choice((1, 1, 1, 2, 3, 8))):
        blocks = max(1, len(raw) // 512)
        offset = rnd.randrange(blocks) * 512
        what = rnd.randrange(11)
        if what == 0 and raw:
            raw[rnd.randrange(len(raw))] ^= 1 << rnd.randrange(8)
        elif what == 1:
            del raw[rnd.randrange(len(raw) + 1) :]
        elif what == 2:
            raw[offset : offset + 512 * rnd.randrange(1, 4)] = b""
        elif what == 3:
            donor = rnd.choice(pool)
            start = rnd.randrange(max(1, len(donor) // 512)) * 512
            raw[offset:offset] = donor[start : start + 512 * rnd.randrange(1, 9)]
        elif what == 4:
            raw[offset : offset + 512] = bytes(512)
        elif what == 5:
            raw[offset : offset + 512] = rnd.randbytes(512)
        elif what in (6, 7, 8):  # a header with a field changed and its checksum mended
            heads = [n for n in range(0, len(raw) - 511, 512) if raw[n + 257 : n + 262] == b"ustar"]
            if heads:
                offset = rnd.choice(heads)
                head = bytearray(raw[offset : offset + 512])
                field = rnd.randrange(5)
                if field == 0:
                    name = rnd.choice(NAMES).encode("latin-1")[:100]
                    head[:100] = name.ljust(100, b"\0")
                elif field == 1:
                    size = rnd.choice((0, 1, 511, 512, 513, 10**6, 8**11 - 1, rnd.randrange(5000)))
                    head[124:136] = b"%011o\0" % size
                elif field == 2:
                    head[124:136] = rnd.choice((b"\x80" + bytes(7) + rnd.randbytes(4), b"\xff" * 12, rnd.randbytes(12)))
                elif field == 3:
                    head[156] = rnd.choice(KINDS)
                else:
                    head[rnd.randrange(512)] = rnd.randrange(256)
                raw[offset : offset + 512] = faulty.mended(bytes(head))
        elif what == 9:
            text = rnd.choice((b"12 path=a/b\n", b"30 GNU.sparse.major=1\n", b"999999 x=", b"16 size=99999999\n"))
            kind = rnd.choice((b"x", b"g", b"L", b"K"))
            raw[offset:offset] = faulty.block("pax", text * rnd.randrange(1, 4), kind=kind)
        else:
            raw += rnd.randbytes(rnd.randrange(2000))
    return bytes(raw)


def good_shards(folder: Path) -> Path:
    """Shards of a small world."""
    world = worlds.make_world(folder)
    for mode in ("copy", "audio", "keyframes"):
        mmdia_dataset.rebuild(world.release, world.media, folder / "built", mode=mode)
    slim = folder / "slim"
    mmdia_dataset.pack(folder / "built", slim, modes=["keyframes"], max_size="40kB")
    return slim


def case(rnd: random.Random, good: Path, pool: list[bytes], place: Path, watch: Watch) -> None:
    """One case; raises what is wrong."""
    kind = rnd.randrange(10)
    if kind == 0:
        id_ = "".join(chr(rnd.randrange(1, rnd.choice((128, 1000, 0x11000)))) for _ in range(rnd.randrange(1, 90)))
        key = key_of(id_)
        claim(is_key(key) and id_of(key) in (id_, None), key)
        text = "".join(rnd.choice("ax-_019efAF.é") for _ in range(rnd.randrange(30)))
        back = id_of(text)
        claim(back is None or key_of(back) == text, text)
        return
    if kind == 1:  # a whole set with one file spoilt
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(good, place)
        files = sorted(file for file in place.rglob("*") if file.is_file())
        victim = rnd.choice(files)
        before = victim.read_bytes()
        after = spoil(rnd, before, pool)
        victim.write_bytes(after)
        watch.folder = str(place)
        report = check(place)
        watch.folder = ""
        claim(before == after or report.exit_code == 1 or victim.name == "README.md", f"{victim.name} passed")
        return
    place.mkdir(parents=True, exist_ok=True)
    (place / "a.tar").write_bytes(spoil(rnd, rnd.choice(pool), pool))
    watch.folder = str(place)
    for ours in (True, False):
        check_shard(ShardTask(store=Store(place), file="a.tar", ours=ours, members=None, split="test", deep=False))
    watch.folder = ""


def main() -> int:
    """Run for some minutes; 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    failures: Counter[str] = Counter()
    count, slowest = 0, 0.0
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        good = good_shards(folder)
        pool = [file.read_bytes() for file in sorted(good.rglob("*.tar"))]
        pool.append(faulty.tar([faulty.block(name or "x", b"{}") for name in NAMES if "\0" not in name]))
        place, watch = folder / "place", Watch()
        started = time.monotonic()
        while time.monotonic() - started < options.minutes * 60:
            rnd = random.Random(f"{options.seed}-{count}")  # noqa: S311 - to be repeated
            count += 1
            begun = time.monotonic()
            try:
                case(rnd, good, pool, place, watch)
                watch.folder = ""
                claim(not watch.seen, f"opened {watch.seen}")
            except Exception as error:  # whatever it is, it is a finding
                watch.folder = ""
                watch.seen.clear()
                line = traceback.extract_tb(error.__traceback__)[-1]
                failures[f"{type(error).__name__} {error} at {Path(line.filename).name}:{line.lineno}"[:200]] += 1
                KEPT.mkdir(parents=True, exist_ok=True)
                if (place / "a.tar").is_file():
                    shutil.copy(place / "a.tar", KEPT / f"{options.seed}-{count}.tar")
            shutil.rmtree(place, ignore_errors=True)
            slowest = max(slowest, time.monotonic() - begun)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(f"{count:,} cases, slowest {slowest:.2f} s, peak {peak:.0f} MB, {failures.total():,} failures")
    for what, times in failures.most_common(20):
        print(f"  {times:,}x {what}")
    return 1 if failures or peak > 500 else 0


if __name__ == "__main__":
    sys.exit(main())

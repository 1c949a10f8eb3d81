"""Read damaged theory files for some time, and print what should not have happened, shrunk.

    python -m bench.fuzz --seconds 600

A finding is anything but a file that is read or refused in words: an exception of another kind, more than five seconds (twice, the second time in a
fresh process), the end of the process, or an event that a reader has no business with: executing or compiling text, opening another file, starting a
process. The exit code is 1 when there is one.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from .mutation import corpus, mutant
from .reading import Reader, finding
from .shrinking import shrunk

LIMIT = 5.0


def main() -> int:
    """Seconds, seed and folder from the command line; the exit code."""
    given = argparse.ArgumentParser(prog="python -m bench.fuzz")
    given.add_argument("--seconds", type=float, default=600)
    given.add_argument("--seed", type=int, default=0)
    asked = given.parse_args()
    dice, texts = Random(asked.seed), corpus()
    outcomes: Counter[str] = Counter()
    found: dict[tuple[str, ...], bytes] = {}
    slowest, end = 0.0, time.monotonic() + asked.seconds
    with tempfile.TemporaryDirectory() as folder:
        reader = Reader(Path(folder), LIMIT)
        for text in texts:
            assert finding(reader.read(text.encode())) is None, text
        while time.monotonic() < end:
            raw = mutant(dice, texts)
            told = reader.read(raw)
            if told["outcome"] == "hang":
                told = reader.read(raw)  # another process on the machine may have had the time
            slowest = max(slowest, told.get("seconds", 0.0))
            outcomes[told["outcome"]] += 1
            fault = finding(told)
            if fault is not None and fault not in found:
                found[fault] = raw
                _tell(fault, told, shrunk(raw, _same(reader, fault, min(60.0, max(10.0, asked.seconds / 10)))))
        reader.close()
    counts = ", ".join(f"{count} {name}" for name, count in outcomes.most_common())
    print(f"{sum(outcomes.values())} files: {counts}; the slowest answer took {slowest:.2f} s of CPU time")
    print(f"{len(found)} findings (seed {asked.seed})")
    return 1 if found else 0


def _same(reader: Reader, fault: tuple[str, ...], seconds: float) -> Any:
    """Whether a file has this fault; no once the time for shrinking is spent."""
    end = time.monotonic() + seconds
    return lambda raw: time.monotonic() < end and finding(reader.read(raw)) == fault


def _tell(fault: tuple[str, ...], told: dict[str, Any], raw: bytes) -> None:
    print(f"---- {' '.join(fault)}: {told.get('said', '')} {told.get('events', '')}")
    print(raw.decode("utf-8", "backslashreplace"), flush=True)


if __name__ == "__main__":
    raise SystemExit(main())

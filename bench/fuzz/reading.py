"""A reader in a process of its own, which is killed when it takes too long."""

from __future__ import annotations

import json
import re
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

from .mutation import CANARY, ROOT

STALE = 2_000  # files after which a fresh process is taken: what SymPy keeps would fill the memory
_FRAME = re.compile(rf'File "{re.escape(str(ROOT))}/((?:theory|polarflow|numerics|proofs_check)/[^"]*)", line (\d+)')


class Reader:
    """Theory files read one at a time, in a folder of their own, each within `limit` seconds."""

    def __init__(self, folder: Path, limit: float) -> None:
        self.folder, self.limit = folder, limit
        self._file, self._trace = folder / "fuzz.toml", folder / "stacks.txt"
        self._start()

    def _start(self) -> None:
        command = [sys.executable, "-W", "error", "-m", "bench.fuzz.child", str(self._trace), str(self.limit)]
        path = {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}
        self._child = subprocess.Popen(
            command, cwd=self.folder, env=path, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._count = 0
        assert self._child.stdout is not None
        if self._child.stdout.readline() != "ready\n":
            raise RuntimeError(f"the reader does not start: {' '.join(command)}")

    def close(self) -> None:
        self._child.kill()
        self._child.communicate()

    def read(self, raw: bytes) -> dict[str, Any]:
        """What became of a file: read, refused, crash, hang or death, with the events that should not have been."""
        if self._count >= STALE:
            self.close()
            self._start()
        self._count += 1
        self._file.write_bytes(raw)
        child = self._child
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(f"{self._file}\n")
        child.stdin.flush()
        if not select.select([child.stdout], [], [], self.limit)[0]:
            self.close()
            stack = self._trace.read_text(encoding="utf-8")
            ours = _FRAME.search(stack)
            self._start()
            return {"outcome": "hang", "error": f"over {self.limit:g} s", "at": f"{ours[1]}:{ours[2]}" if ours else "?"}
        line = child.stdout.readline()
        if not line:
            self.close()
            self._start()
            return {"outcome": "death", "error": f"exit code {child.returncode}", "at": "?"}
        told: dict[str, Any] = json.loads(line)
        if (self.folder / CANARY).exists():
            (self.folder / CANARY).unlink()
            told["events"] = [*told.get("events", []), "a file that an expression names was made"]
        return told


def finding(told: dict[str, Any]) -> tuple[str, ...] | None:
    """What is wrong with an answer, the same for the same fault; or nothing."""
    if told.get("events"):
        return ("event", told["events"][0].split(" ")[0])
    return None if told["outcome"] in ("read", "refused") else (told["outcome"], told["error"], told["at"])

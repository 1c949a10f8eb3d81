"""A shorter file with the same fault: lines are left away, then characters, in pieces that get smaller."""

from __future__ import annotations

from collections.abc import Callable


def shrunk(raw: bytes, fails: Callable[[bytes], bool]) -> bytes:
    """A file that still fails, and from which no single line or character may be left away; `fails` may say no to end the search."""
    for pieces in (lambda whole: whole.splitlines(keepends=True), lambda whole: [whole[n : n + 1] for n in range(len(whole))]):
        parts: list[bytes] = pieces(raw)
        length = max(1, len(parts) // 2)
        while True:
            at, less = 0, False
            while at < len(parts):
                shorter = parts[:at] + parts[at + length :]
                if shorter != parts and fails(b"".join(shorter)):
                    parts, less = shorter, True
                else:
                    at += length
            if length == 1 and not less:
                break
            length = max(1, length // 2)
        raw = b"".join(parts)
    return raw

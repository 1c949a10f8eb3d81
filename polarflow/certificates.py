"""Certificates as files: what is written, what is fingerprinted and what the kernel is given is the same text."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .verifying import Row
from .writing import write_whole

FINGERPRINT = 8  # digits of the SHA-256


def as_text(certificate: Mapping[str, Any]) -> str:
    """A certificate as the text of its file. The order of keys is kept: that of `symbols` has a meaning."""
    return json.dumps(certificate, separators=(",", ":")) + "\n"


def fingerprint(text: str) -> str:
    """The first digits of the SHA-256 of a certificate's file, as `sha256sum` prints it."""
    return hashlib.sha256(text.encode()).hexdigest()[:FINGERPRINT]


def write_certificates(folder: Path, rows: Sequence[Row]) -> tuple[Path, ...]:
    """Every certificate of these results as a file in the folder, its fingerprint at the end of its name; the paths. Raises `OSError`."""
    paths: list[Path] = []
    for n, row in enumerate(rows):
        called = row.title.removeprefix("derivation: ") if row.statement is None else row.id
        for m, result in enumerate((*row.parts, *row.mutants)):
            for k, finding in enumerate(result.verdict.findings):
                if finding.certificate is not None:
                    text = as_text(finding.certificate)
                    name = re.sub(r"[^\w.-]", "_", f"{n:02d}-{called}-{m:02d}-{k}-{fingerprint(text)}.json")
                    paths.append(folder / name)
                    write_whole(paths[-1], text.encode())
    return tuple(paths)

"""What notes were made from, as a digest that stands in them: notes that bear the digest of today need not be built again."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from hashlib import sha256
from pathlib import Path

from proofs_check.ledger import contents, installed, versions

from ..targets import Target
from ..verifying import Options

PRINTERS = ("matplotlib", "markdown-it-py", "mdit-py-plugins", "typst")


def stamp(targets: Sequence[Target], prose: Sequence[str], options: Options, title: str) -> str:
    """The digest of targets with their prose, of what was asked for, of the program's own sources, and of the versions of others."""
    files = [Path(target.name).read_text(encoding="utf-8") if target.name.endswith(".toml") else "" for target in targets]
    asked = {name: value for name, value in asdict(options).items() if name not in ("fresh", "budget")}
    names = [(target.name, target.claim) for target in targets]
    text = json.dumps([dict(versions()), _printers(), names, files, list(prose), asked, title], sort_keys=True)
    return f"polarflow-notes-{sha256(text.encode()).hexdigest()[:20]}"


def bears(path: Path, mark: str) -> bool:
    """Whether the file is there with this digest, and the figures that it names beside it."""
    try:
        content = path.read_bytes()
    except OSError:
        return False
    named = re.findall(rf"{re.escape(path.stem)}-figures/[\w-]+\.\w+".encode(), content)
    return mark.encode() in content and all((path.parent / name.decode()).is_file() for name in set(named))


@cache
def _printers() -> list[str]:
    """The versions of what prints, and a digest of the face's own sources; those of the other rooms are among the ledger's versions."""
    root = Path(__file__).resolve().parent.parent
    files = sorted(path for path in root.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return [*(f"{name} {installed(name)}" for name in PRINTERS), contents(root, files)]

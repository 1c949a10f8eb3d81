"""Rocq run on a file: what it accepted, what it relied on, and what is said when it is not installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from .exporting import PRELUDE, prelude

SECONDS: Final = 300.0
INSTALL: Final = "Debian and Ubuntu: apt-get install --no-install-recommends coq; elsewhere: opam install rocq-prover (or coq 8.16 and newer)"
# What the real numbers of the standard library rest on, and nothing more.
ALLOWED: Final = frozenset(
    {
        "ClassicalDedekindReals.sig_forall_dec",
        "ClassicalDedekindReals.sig_not_dec",
        "FunctionalExtensionality.functional_extensionality_dep",
        "Classical_Prop.classic",
    }
)
# Whatever states without proof, switches a check off, reaches outside the file, or could give an axiom the name of one that is allowed.
FORBIDDEN: Final = re.compile(
    r"\b(Admitted|admit|give_up|Axioms?|Parameters?|Conjectures?|Abort|Declare|Load|Redirect|Extraction|Extract|Unset|Drop|Cd|Add|Back|Reset|Undo"
    r"|bypass_check|Include|Import|Export|Primitive|Register"
    rf"|{'|'.join(sorted({word for name in ALLOWED for word in name.split('.')}))})\b"
)
_REQUIRE: Final = re.compile(rf"^(From Coq Require Import Reals Lra Lia|Require Import {PRELUDE})\.$", re.MULTILINE)


class NotInstalled(RuntimeError):
    """There is no Rocq on this machine; the text says how to get one."""


@dataclass(frozen=True)
class Checked:
    """What Rocq said of a file. `accepted` when it compiled, and every theorem asked for rests on the axioms of the reals alone."""

    accepted: bool
    reason: str
    axioms: tuple[str, ...]
    version: str
    seconds: float


def compiler() -> str:
    """The path of the compiler: $POLARFLOW_COQC, or coqc on the search path.

    Raises `NotInstalled` with what to do.
    """
    given = os.environ.get("POLARFLOW_COQC")
    found = shutil.which(given or "coqc")
    if found is None:
        where = f"{given!r}, which $POLARFLOW_COQC names, cannot be run" if given else "there is no coqc on the search path"
        raise NotInstalled(f"Rocq is not installed: {where}. {INSTALL}")
    return found


def installed() -> str:
    """The version of the compiler, in its own words; empty when there is none that can be run."""
    try:
        return _version(compiler())
    except (NotInstalled, OSError, subprocess.TimeoutExpired):
        return ""


@cache
def _version(coqc: str) -> str:
    return subprocess.run([coqc, "--version"], capture_output=True, text=True, timeout=SECONDS, check=False).stdout.split("\n")[0].strip()


def check(text: str, theorems: Sequence[str], *, seconds: float = SECONDS) -> Checked:
    """What Rocq says of a file's text, and of what each of the named theorems rests on.

    The file is compiled in a temporary directory beside the prelude shipped here. It must have no word in it that states without proof; a second
    file, written here, then prints the assumptions of the theorems, so that what the first one prints does not matter.

    Raises `NotInstalled` when there is no Rocq, with how to install it.
    """
    coqc, start = compiler(), time.perf_counter()

    def refused(reason: str, version: str = "") -> Checked:
        return Checked(False, reason, (), version, time.perf_counter() - start)

    if '"' in text:
        return refused("the file has a string in it, behind which a comment could hide")
    if (found := FORBIDDEN.search(_REQUIRE.sub("", _without_comments(text)))) is not None:
        return refused(f"the file says {found[0]!r}, which is not allowed in a proof that is to be believed")
    asked = "\n".join(["Require claim.", *(f"Print Assumptions claim.{name}." for name in theorems)])
    with tempfile.TemporaryDirectory(prefix="polarflow-") as folder:
        here = Path(folder)
        try:
            version = installed()
            for name, content in ((PRELUDE, prelude()), ("claim", text), ("asked", asked)):
                (here / f"{name}.v").write_text(content, encoding="utf-8")
                run = _run([coqc, "-q", "-R", ".", "", f"{name}.v"], here, seconds - (time.perf_counter() - start))
                if run.returncode != 0 or not (here / f"{name}.vo").exists():
                    return refused(f"Rocq refused {name}.v: {_message(run)}", version)
        except subprocess.TimeoutExpired:
            return refused(f"Rocq was stopped after {seconds:g} s")
        except OSError as error:
            return refused(f"{coqc} could not be run: {error}")
    axioms = _axioms(run.stdout, len(theorems))
    if axioms is None:
        return refused("what Rocq printed about the assumptions was not understood", version)
    if unknown := sorted(set(axioms) - ALLOWED):
        return refused(f"the proof rests on {', '.join(unknown)}", version)
    return Checked(True, f"accepted by {version}", axioms, version, time.perf_counter() - start)


def rocq_check(path: Path, *, seconds: float = SECONDS) -> Checked:
    """`check` for a file: every theorem in it, by its name and the modules it stands in.

    Raises `NotInstalled` when there is no Rocq, and `OSError` when the file cannot be read.
    """
    text = path.read_text(encoding="utf-8")
    names = theorems_in(text)
    return check(text, names, seconds=seconds) if names else Checked(False, f"{path} has no theorem in it", (), "", 0.0)


def theorems_in(text: str) -> tuple[str, ...]:
    """The theorems of a file, each with the modules it stands in."""
    modules: list[str] = []
    found: list[str] = []
    for kind, name in re.findall(r"^\s*(Module|End|Theorem)\s+([A-Za-z_][\w']*)", _without_comments(text), re.MULTILINE):
        match kind:
            case "Module":
                modules.append(name)
            case "End" if modules and modules[-1] == name:
                modules.pop()
            case "Theorem":
                found.append(".".join([*modules, name]))
    return tuple(found)


def _without_comments(text: str) -> str:
    """The text with nested comments blanked out."""
    result, depth, n = [], 0, 0
    while n < len(text):
        pair = text[n : n + 2]
        if pair == "(*":
            depth, n = depth + 1, n + 2
        elif pair == "*)" and depth:
            depth, n = depth - 1, n + 2
        else:
            if not depth:
                result.append(text[n])
            n += 1
    return "".join(result)


def _run(command: list[str], folder: Path, seconds: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=max(seconds, 1.0), check=False, stdin=subprocess.DEVNULL)


def _message(run: subprocess.CompletedProcess[str]) -> str:
    return " ".join((run.stderr or run.stdout).split())[:400] or f"exit code {run.returncode}"


def _axioms(printed: str, wanted: int) -> tuple[str, ...] | None:
    """The names under each `Axioms:`; nothing unless every theorem was answered for, in words that are known here."""
    answers, names = 0, []
    for line in printed.splitlines():
        if line in ("Axioms:", "Closed under the global context"):
            answers += 1
        elif (found := re.match(r"([A-Za-z_][\w'.]*)\s*(:|$)", line)) is not None and answers:
            names.append(found[1])
        elif line.strip() and not (line.startswith(" ") and names):  # the type of an axiom goes on, indented
            return None
    return tuple(dict.fromkeys(names)) if answers == wanted else None

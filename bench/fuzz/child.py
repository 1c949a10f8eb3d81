"""The process that reads: one file after another by the path it is given, an answer in JSON for each.

A file is resolved as by the command line: read, its derivations planned, its numeric problem posed; then every claim is put as a question to the
ledger and printed, as `verify` and `show` do before any proof is tried.
"""

from __future__ import annotations

import faulthandler
import json
import resource
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from numerics import InvalidProblem
from polarflow.formula import formula_latex
from polarflow.printing import formula
from polarflow.targets import resolve
from polarflow.verifying import Options, question, size_of
from theory.files import TheoryFileError

from .mutation import ROOT
from .watching import watched

MEMORY = 4 << 30  # bytes, of addresses
LONGEST = 4_000  # characters of an error


def drive(path: str) -> str:
    """How the file at this path was answered: read, or refused in words."""
    try:
        target = resolve(path)
    except (TheoryFileError, InvalidProblem) as error:
        if "fault of the reader" in str(error):
            raise
        if not str(error).startswith(path) or len(str(error)) > LONGEST:
            raise AssertionError(f"this is no message for a reader: {error}") from error
        return "refused"
    for derivation in target.derivations:
        for part in derivation.parts:
            question(part, Options())
    for statement in target.statements:
        for part in (*statement.parts, *statement.mutants):
            question(part, Options())
            formula(part.assertion)
            formula_latex(part.assertion)
    size_of(target)
    return "read"


def answer(path: str) -> dict[str, Any]:
    """The outcome, and for a crash its exception with the innermost line of our own code."""
    with watched(path) as events:
        try:
            told: dict[str, Any] = {"outcome": drive(path)}
        except (Exception, RecursionError, MemoryError) as error:
            cause = error.__cause__ if isinstance(error, TheoryFileError) and error.__cause__ else error
            frames = traceback.extract_tb(cause.__traceback__)
            ours = [f for f in frames if f.filename.startswith(str(ROOT)) and "bench" not in f.filename and "site-packages" not in f.filename]
            at = f"{Path(ours[-1].filename).relative_to(ROOT)}:{ours[-1].lineno}" if ours else "?"
            told = {"outcome": "crash", "error": type(cause).__name__, "at": at, "said": str(error)[:500]}
    return {**told, "events": events} if events else told


def main(trace: str, limit: float) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    answers, sys.stdout = sys.stdout, sys.stderr
    with open(trace, "w", encoding="utf-8") as stacks:
        print("ready", file=answers, flush=True)
        for line in sys.stdin:
            start = time.process_time()
            faulthandler.dump_traceback_later(0.9 * limit, file=stacks)
            told = {**answer(line.rstrip("\n")), "seconds": time.process_time() - start}
            faulthandler.cancel_dump_traceback_later()
            print(json.dumps(told), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))

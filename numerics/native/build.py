"""From C to a function of this process, by the compiler of the machine; what was compiled once is kept in the user's cache."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

# Sums may be reordered, so that they run in vector registers; NaN and infinity are respected.
_SUMS = ("-fno-math-errno", "-fno-trapping-math", "-fno-signed-zeros", "-fassociative-math", "-ffp-contract=fast")
_FLAGS = ("-std=gnu99", "-O3", "-march=native", *_SUMS)
_LINK = ("-shared", "-fPIC", "-fvisibility=hidden", "-w")
_PREFIX = '#include <stdint.h>\n#define EXPORT __attribute__((visibility("default")))\n'
_TRIAL = """
typedef double vector __attribute__((vector_size(8 * LANES), may_alias));
EXPORT void trial(double *x)
{
    *(vector *)x = 2.0 * *(vector *)x + 1.0;
}
"""


class NoCompiler(Exception):
    """There is no compiler that takes what is written here."""


@lru_cache(maxsize=1)
def compiler() -> tuple[str, ...] | None:
    """The command of a C compiler that knows vectors: `CC` if that is set, otherwise cc, gcc or clang; None where there is none."""
    if os.name != "posix":
        return None
    chosen = os.environ.get("CC")
    for command in [shlex.split(chosen)] if chosen else [["cc"], ["gcc"], ["clang"]]:
        if command and shutil.which(command[0]):
            try:
                _built(tuple(command), _TRIAL, 8)
            except NoCompiler:
                continue
            return tuple(command)
    return None


@lru_cache(maxsize=64)
def library(source: str, lanes: int, flags: tuple[str, ...] = ()) -> ctypes.CDLL:
    """Let a translation unit be given: what it exports, where LANES is `lanes`, compiled with more `flags`. Raises `NoCompiler` without a compiler.

    Raises `RuntimeError` for source that the compiler refuses, which is an error of this package.
    """
    command = compiler()
    if command is None:
        raise NoCompiler("there is no C compiler; install gcc or clang, or set CC")
    try:
        return _built(command, source, lanes, flags)
    except NoCompiler as error:
        raise RuntimeError(f"the C written for this flow was refused, which is an error of polarflow: {error}") from error


def _built(command: tuple[str, ...], source: str, lanes: int, flags: tuple[str, ...] = ()) -> ctypes.CDLL:
    words = [*command, *_FLAGS, *flags, *_LINK, f"-DLANES={lanes}"]
    name = hashlib.sha256("\0".join([*words, _machine(command[0]), source]).encode()).hexdigest()[:32]
    kept = _cache() / f"{name}.so"
    if not kept.exists():
        with TemporaryDirectory(dir=kept.parent) as folder:
            text, result = Path(folder) / "polarflow.c", Path(folder) / "polarflow.so"
            text.write_text(_PREFIX + source, encoding="utf-8")
            done = subprocess.run([*words, "-o", str(result), str(text), "-lm"], capture_output=True, text=True, check=False)
            if done.returncode:
                raise NoCompiler(f"{' '.join(command)} says {done.stderr.strip()[:2000]}")
            result.replace(kept)  # at once, so that no other process sees half of it
    try:
        return ctypes.CDLL(str(kept))
    except OSError as error:  # as on a disk from which nothing may be run
        raise NoCompiler(str(error)) from error


@lru_cache(maxsize=1)
def _cache() -> Path:
    """A folder that only the user may write to, since what is in it is run."""
    for base in (os.environ.get("XDG_CACHE_HOME"), Path("~/.cache").expanduser(), Path(gettempdir()) / f"polarflow-{os.getuid()}"):
        if base:
            folder = Path(base) / "polarflow"
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                told = folder.stat()
            except OSError:
                continue
            if told.st_uid == os.getuid() and not told.st_mode & 0o022 and os.access(folder, os.W_OK):
                return folder
    raise NoCompiler("there is no folder of the user's own to compile in; set XDG_CACHE_HOME")


@lru_cache(maxsize=4)
def _machine(command: str) -> str:
    """What machine code depends on beside its source: the processor and the compiler."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text(encoding="utf-8").splitlines() if told.exists() else []
    processor = [next((line for line in lines if line.startswith(word)), "") for word in ("model name", "flags", "Features")]
    found = Path(shutil.which(command) or command).resolve()
    state = found.stat()
    return "\n".join([platform.machine(), platform.processor(), *processor, str(found), str(state.st_size), str(state.st_mtime_ns)])

"""What Rocq says of one part of a claim, as a finding."""

from __future__ import annotations

import time

from theory.statements import Part
from theory.trees import Unstatable

from ..kernel.language import Rejected
from ..verdicts import Finding
from .checking import SECONDS, NotInstalled, check
from .exporting import HEADER, module
from .reading import Misread
from .terms import Unexportable


def finding(part: Part, *, seconds: float = SECONDS) -> Finding:
    """A proof of the grade `rocq`, or the reason why there is none; the reason says how to install Rocq where it is missing.

    The module is written, read back and compared with the part, and compiled; only then is it called proved. Conditions are the places where the
    theorem assumes that the statement is defined.
    """
    start = time.perf_counter()

    def unknown(reason: str) -> Finding:
        return Finding("rocq", "unknown", reason=reason, seconds=time.perf_counter() - start)

    try:
        written = module(part, "part_1")
        checked = check(f"{HEADER}\n{written.text}", [written.theorem], seconds=seconds)
    except (Unexportable, Unstatable, Rejected, NotImplementedError) as error:
        return unknown(f"not exported to Rocq: {error}")
    except Misread as error:
        return unknown(f"the exported statement, read back, is not the claim: {error}")
    except NotInstalled as error:
        return unknown(str(error))
    if not checked.accepted:
        return unknown(checked.reason)
    return Finding(written.route, "proved", "rocq", checked.reason, conditions=written.conditions, seconds=time.perf_counter() - start)

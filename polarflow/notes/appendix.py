"""What a reader needs to check everything again."""

from __future__ import annotations

import re
from collections.abc import Sequence

from proofs_check.ledger import versions

from ..verifying import Options, Row
from .badges import MEANINGS
from .document import LARGEST, Block, Code, Heading, Inline, Paragraph, Styled, Table, Text

APPENDIX = "appendix"  # its anchor


def called(given: str) -> str:
    """How a command names a target: a theory file by its name, not where it lay."""
    return re.sub(r"^.*/(?=[^/]*\.toml)", "", given)


def appendix(given: Sequence[str], options: Options) -> tuple[Block, ...]:
    """Commands, budgets, versions and the meaning of the badges."""
    asked = f"--fresh --seed {options.seed} --samples {options.samples} --digits {options.digits}"
    commands = [f"polarflow verify {called(one)} {asked} --certificates certificates" for one in given]
    known: list[Inline] = [part for name, value in versions().items() for part in (Text(f"{name} "), _code(value), Text(", "))]
    meanings = tuple(((Text(name),), (Text(meaning),)) for name, meaning in MEANINGS.items())
    level = 2 if len(given) > 1 else 3  # below the heading of the appendix, which is that of a chapter in a course
    return (
        Code("\n".join([*commands, "polarflow check certificates/*.json"]), "sh"),
        Paragraph(
            (
                Text("The last command has the kernel check the certificates that are written by what stands before it, which searches afresh. "),
                Text("A certificate is named by its fingerprint, the first digits of the SHA-256 of its file; "),
                _code("polarflow check certificates/*-FINGERPRINT.json"),
                Text(" checks one. On a page in HTML a fingerprint is a link that saves the certificate, "),
                Text(f"unless that is larger than {LARGEST // 1000} kB. "),
                Text(f"Where no proof is found, {options.samples} rational points are tried."),
            )
        ),
        Heading(level, (Text("What the verdicts mean"),), ""),
        Table(((Text("verdict"),), (Text("meaning"),)), meanings),
        Paragraph((Text("A claim is as strong as its weakest part. A theorem holds for all sizes unless sizes are given."),)),
        Heading(level, (Text("Versions"),), ""),
        Paragraph((*known[:-1], Text(". The sources are a digest of the program's own mathematics."))),
    )


def _code(text: str) -> Styled:
    return Styled("code", (Text(text),))


def count(rows: Sequence[Row]) -> str:
    """How many claims came out how, in a sentence."""
    claims = [row for row in rows if row.statement is not None]
    told = []
    for outcome in ("proved", "supported", "unknown", "refuted"):
        n = sum(row.outcome == outcome for row in claims)
        if n:
            told.append(f"{n} {outcome}")
    variants = [m for row in claims for m in row.mutants]
    more = f" {sum(m.verdict.outcome == 'refuted' for m in variants)} of {len(variants)} false variants are refuted." if variants else ""
    return f"{len(claims)} claim{'s' if len(claims) != 1 else ''}: {', '.join(told)}.{more}" if claims else "No claims."

"""What a reader needs to check everything again."""

from __future__ import annotations

import re
from collections.abc import Sequence

from proofs_check.ledger import versions

from ..verifying import Options, Row
from .badges import MEANINGS
from .document import Block, Code, Heading, Paragraph, Styled, Table, Text


def appendix(given: Sequence[str], options: Options) -> tuple[Block, ...]:
    """Commands, budgets, versions and the meaning of the badges."""
    commands = []
    for name in (re.sub(r"^.*/(?=[^/]*\.toml)", "", one) for one in given):  # a theory file is named, not where it lay
        commands += [
            f"polarflow verify {name} --fresh --seed {options.seed} --samples {options.samples} --digits {options.digits} --certificates certificates"
        ]
    commands.append("polarflow check certificates/*.json")
    known = tuple(((Text(name),), (Styled("code", (Text(value),)),)) for name, value in versions().items())
    meanings = tuple(((Text(name),), (Text(meaning),)) for name, meaning in MEANINGS.items())
    return (
        Paragraph(
            (Text("The first command searches for proofs and counterexamples afresh and writes certificates; the last has the kernel check them."),)
        ),
        Code("\n".join(commands), "sh"),
        Paragraph(
            (Text(f"Seed {options.seed}, {options.samples} rational points where no proof is found, experiments at {options.digits} digits."),)
        ),
        Heading(3, (Text("What the verdicts mean"),), ""),
        Table(((Text("verdict"),), (Text("meaning"),)), meanings),
        Paragraph(
            (
                Text("A claim is as strong as its weakest part. A theorem holds for all sizes unless sizes are given; "),
                Text("“sources” below is a digest of the program's own mathematics. Certificates are named by the first digits of their SHA-256."),
            )
        ),
        Heading(3, (Text("Versions"),), ""),
        Table(((Text("package"),), (Text("version"),)), known),
    )


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

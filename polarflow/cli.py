"""The command line: `polarflow VERB TARGET`."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

PROVED, REFUTED, BAD_INPUT, BUDGET = 0, 1, 2, 3
LARGEST_SIZE = 1000
STDOUT = Path("-")

app = typer.Typer(
    name="polarflow",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="""Derive, check and integrate gradient flows; nothing is called proved that the kernel did not check.

A TARGET is a shipped paper (`chou_rauhut_ward`), one of its claims (`chou_rauhut_ward/C6`), a network with its widths (`linear_network:5,3,2`,
`relu_network:4,3,1`, `relu_network_bias:4,3,1`), or a theory file of your own (`my_model.toml`).

Exit codes: **0** every claim reached the evidence it requires, **1** one was refuted or fell short, **2** bad input, **3** a budget ran out.
""",
)

Target = Annotated[str, typer.Argument(help="A shipped paper, paper/claim, network:widths, or a theory file (.toml).", show_default=False)]


class Losses(StrEnum):
    """For which losses a law has to hold."""

    every = "every"
    given = "given"


class Evidence(StrEnum):
    """The least evidence that what is to be proved must reach, beyond what each claim requires of itself."""

    exact = "exact"
    rocq = "rocq"


class Format(StrEnum):
    """How formulas are printed."""

    text = "text"
    latex = "latex"
    json = "json"


def main() -> None:
    """The entry point: errors of the user's input are one message and exit code 2, never a traceback."""
    try:
        app()
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        raise SystemExit(130) from None


def _bad(message: str) -> NoReturn:
    typer.echo(f"polarflow: {message}", err=True)
    raise typer.Exit(BAD_INPUT)


def _resolve(given: str) -> Any:
    from numerics import InvalidProblem
    from theory.files import TheoryFileError

    from .targets import NoSuchTarget, resolve

    try:
        return resolve(given)
    except (TheoryFileError, InvalidProblem, NoSuchTarget) as error:
        _bad(str(error))


@contextmanager
def _ledger(path: Path | None) -> Iterator[Any]:
    from proofs_check.ledger import NoLedger, default_path, opened

    try:
        with opened(path or default_path()) as book:
            yield book
    except NoLedger as error:
        _bad(str(error))


def _console(*, stderr: bool = False) -> Any:
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = 120  # a file or a pipe has no width of its own
    return console


@app.command("list")
def list_() -> None:
    """The shipped papers and their claims."""
    from theory.papers import NAMES

    from .tables import statements
    from .targets import resolve

    console = _console()
    for name in NAMES:
        console.print(f"[bold]{name}[/bold]")
        console.print(statements(resolve(name)))


@app.command()
def show(
    target: Target,
    format: Annotated[Format, typer.Option("--format", help="text, latex or json.")] = Format.text,
    ledger: Annotated[Path | None, typer.Option(help="The ledger to look up the last verdict in.")] = None,
) -> None:
    """One claim with its formula, domain, source and last verdict; or all claims of a paper or file."""
    from rich.text import Text

    from proofs_check.ledger import default_path

    from .formula import formula_latex
    from .printing import formula
    from .tables import STYLE, card

    found = _resolve(target)
    if format is Format.json:
        told = [
            {
                "id": s.id,
                "title": s.title,
                "domain": s.domain,
                "given": list(s.given),
                "parts": [{"label": p.label, "formula": formula(p.assertion), "latex": formula_latex(p.assertion)} for p in s.parts],
                "mutants": [{"label": p.label, "formula": formula(p.assertion), "latex": formula_latex(p.assertion)} for p in s.mutants],
            }
            for s in found.statements
        ]
        typer.echo(json.dumps(told, indent=2))
        return
    console = _console()
    path = ledger or default_path()
    for statement in found.statements:
        if format is Format.latex:
            for part in statement.parts:
                typer.echo(formula_latex(part.assertion))
            continue
        console.print(*card(statement), sep="\n")
        if path.exists():
            with _ledger(path) as book:
                filed = {label: (when, verdict) for when, label, verdict in reversed(book.last(f"{found.name}/{statement.id}"))}
            for when, verdict in (filed[part.label] for part in statement.parts if part.label in filed):
                console.print(Text.assemble(f"last verdict, {when}: ", (verdict.outcome, STYLE[verdict.outcome])))
        console.print()


@app.command()
def derive(
    target: Target,
    format: Annotated[Format, typer.Option("--format", help="text, latex or json.")] = Format.text,
) -> None:
    """Equations of motion, dissipation identity and dual coordinates, step by step with the reasons."""
    from .formula import expression_latex as latex
    from .printing import text
    from .tables import derivation

    found = _resolve(target)
    if not found.derivations:
        _bad(f"{target} has no flow of its own to derive; give a whole paper or a theory file with a [model] or a [flow]")
    match format:
        case Format.text:
            console = _console()
            for derived in found.derivations:
                console.print(derivation(derived))
                console.print()
        case Format.latex:
            for derived in found.derivations:
                typer.echo(f"% {derived.title}")
                typer.echo(r"\begin{aligned}")
                for step in derived.steps:
                    typer.echo(rf"{latex(step.left)} &= {latex(step.right)} && \text{{{step.reason}}} \\")
                typer.echo(r"\end{aligned}")
        case Format.json:
            told = [
                {
                    "title": derived.title,
                    "steps": [
                        {"reason": s.reason, "left": text(s.left), "right": text(s.right), "latex": f"{latex(s.left)} = {latex(s.right)}"}
                        for s in derived.steps
                    ],
                }
                for derived in found.derivations
            ]
            typer.echo(json.dumps(told, indent=2))


@app.command()
def discover(
    target: Target,
    losses: Annotated[Losses, typer.Option("--loss", help="Laws of every loss of its kind, f(Ax) or f(x), or of the given one.")] = Losses.every,
    sizes: Annotated[list[str] | None, typer.Option("--set", help="A size, as in --set N=6.", show_default=False)] = None,
    steps: Annotated[bool, typer.Option("--steps", help="What one step of gradient descent adds to each quadratic law, proved.")] = False,
    format: Annotated[Format, typer.Option("--format", help="text, latex or json.")] = Format.text,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write laws and certificates to this file; - for standard output.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random rational points.")] = 0,
) -> None:
    """Find the conserved quantities of a flow, prove each, and say how many there can be and whether the list is complete.

    A law has to hold for every loss; what a law may not know (inputs, activation patterns) is declared [arbitrary] in a theory file. Laws are looked
    for in index notation, for all sizes at once, then at explicit sizes. The number of laws is counted near a random rational point: a lower bound on
    the dimension of the flow's Lie algebra leaves room for so many and no more. Ctrl-C ends the search, and what was found is told.

    Exit codes: **0** the list is complete, **1** it is not, or that is unknown, **2** bad input, **130** interrupted.
    """
    from discovery.discover import Search

    from .discovering import NoCase, cases, told
    from .tables import discovery

    found = _resolve(target)
    try:
        wanted = cases(found, losses.value, _sizes(sizes or []))
    except NoCase as error:
        _bad(str(error))
    if format is Format.json:
        json_file = STDOUT
    to_stdout = _is_stdout(json_file)
    console = _console(stderr=to_stdout)
    results = []
    code = PROVED
    for case in wanted:
        with _status(console) as say:
            search = Search(case.setting, case.instance, seed, report=say)
            try:
                for law in search.run():
                    say(f"{search.found} laws, the last one {law.kind}")
            except KeyboardInterrupt:
                code = 130
                say("interrupted: counting what was found; Ctrl-C again leaves it uncounted")
                with suppress(KeyboardInterrupt):
                    search.close()
        result = search.result()
        results.append(told(case, result, steps=steps))
        if format is Format.latex:
            for line in results[-1]["laws"]:
                typer.echo(line["latex"])
        elif not to_stdout:
            console.print(discovery(case, result, steps=steps))
        if code == 130:
            break
        code = max(code, PROVED if result.complete else REFUTED)
    if json_file is not None:
        _write_json(json_file, results[0] if len(wanted) == 1 else {"schema": results[0]["schema"], "cases": results})
    raise typer.Exit(code)


def _sizes(given: list[str]) -> dict[str, int]:
    """N=6 as a size; several may stand in one option, with commas between them."""
    found = {}
    for part in (part for text in given for part in text.split(",")):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not value.isdigit() or not 1 <= int(value) <= LARGEST_SIZE:
            _bad(f"--set {part} was given; wanted is a size with a whole number from 1 to {LARGEST_SIZE}, such as --set N=6")
        found[name] = int(value)
    return found


@contextmanager
def _status(console: Any) -> Iterator[Any]:
    """A line that says what is being done, on a terminal; nothing elsewhere."""
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status("") as status:
        yield lambda said: status.update(said[:100])


@app.command()
def verify(
    target: Target,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the findings to this file; - for standard output.")] = None,
    certificates: Annotated[Path | None, typer.Option(help="Write every certificate to this folder, for `polarflow check`.")] = None,
    ledger: Annotated[Path | None, typer.Option(help="Where findings are kept; by default $POLARFLOW_LEDGER or .polarflow/ledger.sqlite.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Check everything again, whatever the ledger holds.")] = False,
    digits: Annotated[int, typer.Option(min=20, max=1000, help="Digits of the experiments.")] = 60,
    samples: Annotated[int, typer.Option(min=1, max=1000, help="Rational points to try where no proof is found.")] = 6,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random rational points.")] = 0,
    evidence: Annotated[
        Evidence | None, typer.Option(help="The least evidence of a proof: exact (the kernel), rocq (the Rocq prover as well).", show_default=False)
    ] = None,
    budget: Annotated[float | None, typer.Option(min=0, help="Stop after this many seconds, with exit code 3.", show_default=False)] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show every part and mutant with its formula and witness.")] = False,
) -> None:
    """Check every claim: proofs for all sizes and at explicit sizes, counterexamples for what is false, drift at high precision."""
    from .tables import claims, details, summary
    from .verifying import BudgetSpent, Options, as_json, go_through, size_of

    found = _resolve(target)
    if not (found.statements or found.experiments):
        _bad(f"{target} makes no claim; add a [[claim]] to the file, or use: polarflow derive {target}")
    if evidence is Evidence.rocq:
        from .rocq import missing

        if reason := missing():
            _bad(reason)
    least: Any = evidence.value if evidence else "sampled"
    options = Options(seed=seed, samples=samples, digits=digits, fresh=fresh, budget=budget, evidence=least)
    console = _console(stderr=_is_stdout(json_file))
    rows: list[Any] = []
    ending: str | None = None
    code = PROVED
    with _ledger(ledger) as book, _progress(console, size_of(found)) as advance:
        try:
            for step in go_through(found, book, options):
                if not rows or rows[-1] is not step.row:
                    rows.append(step.row)
                advance(f"{step.outcome}: {step.row.id} {step.label}")
        except BudgetSpent as spent:
            ending, code = str(spent), BUDGET
        except KeyboardInterrupt:
            ending, code = "interrupted", 130
    console.print(claims(found, rows))
    for line in details(rows, everything=verbose):
        console.print(line)
    console.print(summary(rows))
    if ending:
        console.print(f"[bold]{ending}[/bold]: {len(rows)} rows above are what was done; run the same command again to go on from there")
    elif not all(row.passed for row in rows):
        code = REFUTED
    if certificates is not None:
        from .certificates import write_certificates

        try:
            write_certificates(certificates, rows)
        except OSError as error:
            _bad(f"{certificates} cannot be written: {error}")
    if json_file is not None:
        _write_json(json_file, as_json(found, rows))
    raise typer.Exit(code)


@app.command()
def falsify(
    target: Target,
    mutants: Annotated[bool, typer.Option("--mutants", help="Search the variants that must be refuted instead.")] = False,
    samples: Annotated[int, typer.Option(min=1, max=100_000, help="Rational points at which the claim says something.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the search; the same seed finds the same.")] = 0,
    largest: Annotated[int, typer.Option(min=1, max=LARGEST_SIZE, help="The largest number tried for a symbolic size.")] = 4,
    budget: Annotated[float | None, typer.Option(min=0, help="Stop after this many seconds.", show_default=False)] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write what was found to this file; - for standard output.")] = None,
) -> None:
    """Search for the smallest counterexample to every claim: exact rationals, accepted by the kernel. Finding none proves nothing.

    Exit codes: **0** no claim has a counterexample that was found (of what must be refuted, all have one), **1** one has (or has not), **2** bad
    input, **3** the budget ran out first.
    """
    from .falsifying import Options, Sought, as_json, details, seek, summary, table, wanted

    found = _resolve(target)
    todo = wanted(found, mutants=mutants)
    if not todo:
        _bad(f"{target} {'has no variants that must be refuted' if mutants else 'makes no claim; add a [[claim]] to the file'}")
    options = Options(seed, samples, largest, budget)
    console = _console(stderr=_is_stdout(json_file))
    rows: list[Sought] = []
    interrupted = False
    with _points(console, len(todo)) as (advance, report):
        try:
            for row in seek(found, options, mutants=mutants, report=report):
                rows.append(row)
                advance()
        except KeyboardInterrupt:
            interrupted = True
    console.print(table(found, rows))
    for line in details(rows):
        console.print(line)
    console.print(summary(rows))
    if json_file is not None:
        _write_json(json_file, as_json(found, rows, options))
    if interrupted:
        console.print(f"[bold]interrupted[/bold]: {len(rows)} of {len(todo)} were searched")
        raise typer.Exit(130)
    if any(row.against for row in rows):
        raise typer.Exit(REFUTED)
    raise typer.Exit(BUDGET if any(row.unfinished for row in rows) else PROVED)


@app.command()
def mutate(
    targets: Annotated[list[str], typer.Argument(help="Papers, paper/claim, or theory files (.toml).", show_default=False)],
    kinds: Annotated[list[str] | None, typer.Option("--kind", help="Only slips of this kind: sign, factor, ...", show_default=False)] = None,
    most: Annotated[int | None, typer.Option(min=1, help="At most so many slips in the formulas of a part.", show_default=False)] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the rational points.")] = 0,
    budget: Annotated[float | None, typer.Option(min=0, help="Stop after this many seconds.", show_default=False)] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all mutants and certificates to this file; - for standard output.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Also list the mutants that are true, and all that are undecided.")] = False,
) -> None:
    """Make plausible false claims from true ones, by a slip each, and refute them: a test of the claims, and of everything that judges them.

    A slip may give a true claim; it is called true only with a proof that the kernel accepted. Exit codes: **0** every mutant is refuted or true,
    **1** some are undecided, or proved and refuted both, **2** bad input, **3** the budget ran out first.
    """
    from theory.mutation import KINDS

    from .mutating import as_json, details, judge, slips, summary, table

    for kind in kinds or []:
        if kind not in KINDS:
            _bad(f"there is no slip of the kind {kind!r}; use --kind {' or --kind '.join(KINDS)}")
    made = [slip for target in targets for slip in slips(_resolve(target), kinds=kinds or (), most=most)]
    if not made:
        _bad(f"{', '.join(targets)} has no claim that should be proved and can have such a slip")
    console = _console(stderr=_is_stdout(json_file))
    deadline = None if budget is None else time.monotonic() + budget
    outcomes: list[Any] = []
    code = PROVED
    with _progress(console, len(made)) as advance:
        try:
            for slip in made:
                if deadline is not None and time.monotonic() > deadline:
                    code = BUDGET
                    break
                outcomes.append(judge(slip, seed=seed, certificates=json_file is not None))
                advance(f"{slip.id} {slip.label}")
        except KeyboardInterrupt:
            code = 130
    console.print(table(outcomes))
    for line in details(outcomes, everything=verbose):
        console.print(line)
    console.print(summary(outcomes))
    if json_file is not None:
        _write_json(json_file, as_json(targets, outcomes, seed), indent=None)
    if len(outcomes) < len(made):
        console.print(f"[bold]{'interrupted' if code == 130 else 'the budget is spent'}[/bold]: {len(outcomes)} of {len(made)} mutants were judged")
    elif any(outcome.fate not in ("refuted", "true") for outcome in outcomes):
        code = REFUTED
    raise typer.Exit(code)


@contextmanager
def _points(console: Any, total: int) -> Iterator[Any]:
    """A bar of searches on a terminal, with the points of the one that goes on; nothing elsewhere."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.update(task, advance=1), lambda label, tried: bar.update(task, description=f"{label[:50]}, {tried} points")


@app.command()
def certify(
    target: Annotated[str, typer.Argument(help="A theory file with [start], or an experiment (chou_rauhut_ward/I1).", show_default=False)],
    digits: Annotated[int, typer.Option(min=1, max=1000, help="Digits of the limit.")] = 35,
    put: Annotated[
        list[str] | None, typer.Option("--set", help="An exact value in place of the file's: kappa=1/2, y=[1,0.5], A=@A.json.", show_default=False)
    ] = None,
    certificate: Annotated[Path | None, typer.Option(help="Write the certificate, for `polarflow check`.", show_default=False)] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write what was found to this file; - for standard output.")] = None,
) -> None:
    """Prove where one trajectory ends: that it exists for all times, its limit, how fast, that it does not collapse, and the bias of the limit.

    A flow on the diagonal model, in polar coordinates or not, is recognised and its limit computed without following it; other flows with a square
    loss are enclosed until they come to rest. What is not proved is said to be unknown.

    Exit codes: **0** where the flow ends is proved, **1** it is not, or no solution is there to end at, **2** bad input.
    """
    from numerics import IntegrationFailed, InvalidProblem, OutOfDomain, Unsupported
    from proofs_check.certifying import certify as proved
    from theory.files import TheoryFileError

    from .certifying import as_json, posed, shown
    from .runs import NoRun, parsed

    console = _console(stderr=_is_stdout(json_file))
    try:
        values, until = parsed(put or [])
        if until is not None:
            _bad("--set T was given; where a flow ends is a matter of all times, so leave it out")
        with _status(console) as say:
            say("looking for the limit and its certificate")
            title, problem = posed(target, put=values)
            found = proved(problem, digits=digits)
    except (TheoryFileError, InvalidProblem, NoRun, IntegrationFailed, OutOfDomain, Unsupported) as error:
        _bad(str(error))
    console.print(shown(title, found))
    if certificate is not None:
        if found.certificate is None:
            typer.echo("polarflow: there is no certificate to write", err=True)
        else:
            _write(certificate, json.dumps(found.certificate))
    if json_file is not None:
        _write_json(json_file, as_json(title, found))
    raise typer.Exit(PROVED if found.outcome in ("converges", "collapses") else REFUTED)


@app.command()
def simulate(
    target: Annotated[str, typer.Argument(help="A theory file with [start] and [run], or an experiment (chou_rauhut_ward/I2).", show_default=False)],
    digits: Annotated[int, typer.Option(min=1, max=1000, help="Digits worked at; beyond 15 by Taylor's method.")] = 15,
    put: Annotated[
        list[str] | None, typer.Option("--set", help="An exact value in place of the file's: kappa=1/2, y=[1,0.5], T=10.", show_default=False)
    ] = None,
    points: Annotated[int | None, typer.Option(min=1, help="Times between the start and the last time.", show_default=False)] = None,
    method: Annotated[str | None, typer.Option(help="An integrator: DOP853, Radau, LSODA, taylor, ...", show_default=False)] = None,
    laws: Annotated[bool, typer.Option("--discover", help="Watch the conservation laws that are found, too.")] = False,
    enclose: Annotated[bool, typer.Option("--enclose", help="Prove how far the states computed are from the solution.")] = False,
    within: Annotated[
        list[str] | None, typer.Option(help="Enclose all constants and starts within a radius: kappa=1/1000, u=1/100.", show_default=False)
    ] = None,
    certificate: Annotated[Path | None, typer.Option(help="Write the enclosure's certificate, for `polarflow check`.", show_default=False)] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw trajectory, loss and drifts: .png, .svg or .pdf.", show_default=False)] = None,
    table: Annotated[Path | None, typer.Option(help="Write every entry at every time: .csv or .parquet.", show_default=False)] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write everything to this file; - for standard output.")] = None,
) -> None:
    """Follow a flow in time: states, loss, and the drift of every quantity the file claims to be conserved, at a tolerance and at half of it.

    Exit codes: **0** everything did as is claimed, **1** something did not, or is not enclosed up to the last time, **2** bad input.
    """
    from numerics import METHODS, IntegrationFailed, InvalidProblem, OutOfDomain, Unsupported
    from theory.files import TheoryFileError

    from .runs import NoRun, parsed, radii
    from .simulate import shown
    from .simulate import simulate as run

    if method is not None and method not in METHODS:
        _bad(f"there is no method {method!r}; choose one of {', '.join(METHODS)}")
    for path, endings in ((plot, (".png", ".svg", ".pdf")), (table, (".csv", ".parquet"))):
        if path is not None and path.suffix not in endings:
            _bad(f"{path} was given; a name that ends in {' or '.join(endings)} is wanted")
    console = _console(stderr=_is_stdout(json_file))
    with _shares(console) as report:
        try:
            values, until = parsed(put or [])
            box = radii(within or [])
            enclosed = enclose or certificate is not None
            told = {"until": until, "points": points, "discover": laws, "enclose": enclosed, "within": box, "report": report}
            followed = run(target, digits=digits, method=method, put=values, **told)
        except (TheoryFileError, InvalidProblem, NoRun, IntegrationFailed, OutOfDomain, Unsupported) as error:
            _bad(str(error))
    console.print(shown(followed))
    if certificate is not None and followed.bounds is not None:
        _write(certificate, json.dumps(followed.bounds.enclosure.certificate))
    try:
        if plot is not None:
            followed.plot(plot)
        if table is not None:
            followed.write(table)
    except (OSError, ModuleNotFoundError) as error:
        _bad(str(error))
    if json_file is not None:
        _write_json(json_file, followed.as_json())
    raise typer.Exit(PROVED if followed.agrees else REFUTED)


@app.command()
def export(
    target: Target,
    to: Annotated[str, typer.Option("--to", help="numpy, numba, jax, c, mpmath, arb or heyoka; or rocq.")] = "numpy",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file (for rocq, folder) instead of standard output.", show_default=False)
    ] = None,
) -> None:
    """Readable source code of the flow's velocity, generated from the derivation; or the claims as theorems of the Rocq prover, with proofs."""
    from numerics import EMITTERS, Unsupported, source

    found = _resolve(target)
    if to == "rocq":
        _theorems(found, output)
        return
    if to not in EMITTERS:
        _bad(f"there is no printer for {to!r}; use --to {' or --to '.join((*EMITTERS, 'rocq'))}")
    if found.setting.flow is None:
        _bad(f"{target} has no flow to export; give a theory file with a [model] or a [flow]")
    try:
        written = source(found.setting, to, title=found.title)
    except Unsupported as error:
        _bad(f"{target} cannot be exported to {to}: {error}")
    if output is None:
        typer.echo(written)
    else:
        _write(output, written)


def _theorems(found: Any, folder: Path | None) -> None:
    """Every claim as a file of Rocq in the folder, or the only one on standard output; what is left out is told, with the reason."""
    from .rocq import NothingToExport, exported, write

    if folder is None and len(found.statements) > 1:
        _bad(f"{found.name} makes {len(found.statements)} claims, and each is a file; name a folder with --output, or one claim")
    try:
        claims = exported(found)
        paths = write(claims, folder) if folder is not None else ()
    except NothingToExport as error:
        _bad(str(error))
    except OSError as error:
        _bad(f"{folder} cannot be written: {error}")
    for statement, claim in zip(found.statements, claims, strict=True):
        for left in claim.refused:
            typer.echo(f"left out: {statement.id} {left.part.label}: {left.reason}", err=True)
        if folder is None:
            typer.echo(claim.text)
    for path in paths:
        typer.echo(str(path))


@app.command()
def notes(
    targets: Annotated[list[str], typer.Argument(help="Shipped papers, claims or theory files; several make a course.", show_default=False)],
    to: Annotated[list[str], typer.Option("--to", help="html, pdf, tex, ipynb, md; several with commas between them, or all.")] = ["html"],  # noqa: B006, typer's
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The file, or a folder; by default TARGET-notes.", show_default=False)] = None,
    title: Annotated[str, typer.Option(help="The title of a course.", show_default=False)] = "",
    since: Annotated[bool, typer.Option("--since", help="Leave alone what was built since the last change of anything that enters it.")] = False,
    ledger: Annotated[Path | None, typer.Option(help="Where findings are kept; what it knows is not checked again.")] = None,
    digits: Annotated[int, typer.Option(min=20, max=1000, help="Digits of the experiments.")] = 60,
    samples: Annotated[int, typer.Option(min=1, max=1000, help="Rational points to try where no proof is found.")] = 6,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random rational points.")] = 0,
    budget: Annotated[float | None, typer.Option(min=0, help="Stop after this many seconds, with exit code 3.", show_default=False)] = None,
) -> None:
    """Lecture notes, printed from the objects that were checked; a claim that fell short is printed as such.

    Exit codes: **0** the notes are written, **2** bad input, **3** the budget ran out first; then the old file is left as it was.
    """
    from .notes import FORMATS, BadProse, CannotBuild, Unreadable, build, path_of
    from .verifying import BudgetSpent, Options

    found = [_resolve(target) for target in targets]
    named = [form.strip() for several in to for form in several.split(",")]
    forms = FORMATS if "all" in named else tuple(dict.fromkeys(named))
    stem = Path(targets[0]).stem if targets[0].endswith(".toml") else targets[0].replace("/", "-")
    name = f"{stem}-notes"
    out = Path(name) if output is None else output / name if output.is_dir() else output
    console = _console(stderr=True)
    options = Options(seed=seed, samples=samples, digits=digits, budget=budget)
    with _ledger(ledger) as book, _shares(console) as report:
        try:
            paths = build(found, forms, out, book, options=options, title=title, since=since, report=report)
        except (CannotBuild, BadProse, Unreadable, OSError) as error:
            _bad(str(error))
        except BudgetSpent as spent:
            typer.echo(f"polarflow: {spent}; no notes were written, and what was checked is in the ledger", err=True)
            raise typer.Exit(BUDGET) from None
    for path in paths:
        typer.echo(path)
    for form in forms:
        if path_of(out, form) not in paths:
            typer.echo(f"{path_of(out, form)} is as it would be built now", err=True)


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Certificates, or files written by `polarflow verify --json`.", show_default=False)],
    brief: Annotated[bool, typer.Option("--brief", help="One line for each certificate, without its statement.")] = False,
) -> None:
    """Re-check certificates with the kernel alone, and say in words what each establishes, and of what."""
    from proofs_check.kernel.files import Unreadable, recheck

    try:
        raise typer.Exit(PROVED if recheck(files, typer.echo, brief=brief) else REFUTED)
    except Unreadable as error:
        _bad(str(error))


def _is_stdout(path: Path | None) -> bool:
    return path == STDOUT


def _write_json(path: Path, told: Any, *, indent: int | None = 1) -> None:
    """To the file, or to standard output."""
    content = json.dumps(told, indent=indent)
    if _is_stdout(path):
        typer.echo(content)
    else:
        _write(path, content)


def _write(path: Path, content: str) -> None:
    """Write the whole file or leave the old one."""
    from .writing import write_whole

    try:
        write_whole(path, f"{content}\n".encode())
    except OSError as error:
        _bad(f"{path} cannot be written: {error}")


@contextmanager
def _shares(console: Any) -> Iterator[Any]:
    """A bar on a terminal, nothing elsewhere; gives the function that is told what is being done, and which share of it is done."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda said, share: bar.update(task, description=said[:60], completed=share)


def _progress(console: Any, total: int) -> Any:
    """A bar on a terminal, nothing elsewhere; gives the function that advances it."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    @contextmanager
    def running() -> Any:
        columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("", total=total)
            yield lambda label: bar.update(task, advance=1, description=label[:60])

    return running()


if __name__ == "__main__":
    main()

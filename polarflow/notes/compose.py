"""From a target and what was found of it to a chapter: everything is printed from the objects that were checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import sympy as sp

from numerics import IntegrationFailed, InvalidProblem, OutOfDomain, Unsupported
from proofs_check.verdicts import Finding
from theory.statements import AtLimit, Experiment, Statement
from theory.symbols import Variable

from ..certificates import as_text, fingerprint
from ..formula import PLAIN, Lines, Style, equation, layout, letter
from ..formula.layout import Fence, Layout, Letter, Script, Sign, row
from ..printing import condition, essential
from ..runs import NoRun
from ..tables import witness
from ..targets import Target
from ..verifying import PartResult
from ..verifying import Row as Result
from .appendix import APPENDIX, called
from .badges import of_row, of_verdict, place
from .document import (
    Block,
    Certificate,
    Chapter,
    Claim,
    Details,
    Figure,
    Formula,
    Heading,
    Inline,
    Link,
    Listing,
    Paragraph,
    Steps,
    StepShown,
    Styled,
    Table,
    Text,
)
from .ends import Named, grouped, named, table, valued
from .figures import Worked, worked
from .parts import displayed, shortened
from .phases import cells, diagram, threshold
from .prose import BadProse, Prose, excerpt, read_prose
from .variants import variants
from .words import declared, words

MOST_PARTS = 12  # of a claim; further ones may be skipped by a reader
LONGEST_CONDITION, MOST_CONDITIONS = 60, 8
ROLES = {"parameter": "moves along the flow", "constant": "fixed", "cotangent": "an unknown function of time", "time": "time"}

Report = Callable[[str], None]


def chapter(
    target: Target, rows: Sequence[Result], source: str = "", *, digits: int = 60, conventions: bool = True, report: Report = lambda said: None
) -> Chapter:
    """Let a target, the results of going through it, and the source of its prose be given: its chapter. The conventions are those of a whole course.

    Raises `BadProse` and `Unreadable` for prose that cannot be used.
    """
    return _Chapter(target, rows, source, digits, conventions, report).composed()


def _p(*inside: Inline | str) -> Paragraph:
    return Paragraph(tuple(Text(one) if isinstance(one, str) else one for one in inside))


@dataclass
class _Chapter:
    target: Target
    rows: Sequence[Result]
    source: str
    digits: int
    conventions: bool
    report: Report
    style: Style = PLAIN
    inserted: set[str] = field(default_factory=set)
    _worked: dict[str, Worked | None] = field(default_factory=dict)

    def composed(self) -> Chapter:
        source = excerpt(self.source, self.target.claim) if self.target.claim else self.source
        prose = read_prose(source, [s.id for s in self.target.statements], self._insert)
        self.style = prose.style
        title = prose.title or words(self.target.title, self.style)
        blocks: list[Block] = [*prose.opening, *self._setting(prose), *self._derivations()]
        written = {name for name, _ in prose.sections if name}
        n = 0
        for name, section in prose.sections:
            if not name:
                n += 1
                blocks += [Heading(2, section.title, self._anchor(f"section-{n}")), *section.before, *section.after]
            else:
                blocks += self._claim(self._row(name), prose)
        rest = [r for r in self.rows if r.statement is not None and r.id not in written]
        for one in rest:
            blocks += self._claim(one, prose)
        blocks += self._experiments()
        blocks += self._references()
        return Chapter(title, self.target.name + (f"/{self.target.claim}" if self.target.claim else ""), self._anchor("top"), tuple(blocks))

    def _anchor(self, name: str) -> str:
        own = f"{self.target.name.rsplit('/', 1)[-1]} {self.target.claim}"
        stem = re.sub(r"[^a-z0-9]+", "-", own.lower()).strip("-")
        return f"{stem}-{re.sub(r'[^A-Za-z0-9]+', '-', name)}"

    def _row(self, name: str) -> Result:
        return next(r for r in self.rows if r.id == name and r.statement is not None)

    # ---- Setting and derivations ---------------------------------------------------------------------------------------------------------------

    def _setting(self, prose: Prose) -> Iterator[Block]:
        setting = self.target.setting
        yield Heading(2, (Text("Setting and notation"),), self._anchor("setting"))
        head = tuple((Text(t),) for t in ("symbol", "lies in", "what it is"))
        body = [self._symbol(one, prose.meanings.get(one.name, (Text(ROLES[one.role]),))) for one in setting.variables]
        known = {variable.name for variable in setting.variables}
        parts = [part for s in self.target.statements for part in (*s.parts, *s.mutants)]
        others = {one.name: one for part in parts for one in part.setting.variables if one.name not in known}
        body += [self._symbol(others[name], meaning) for name, meaning in prose.meanings.items() if name in others]
        yield Table(head, tuple(body))
        spheres = setting.flow.space.spheres if setting.flow else ()
        for group in spheres:
            yield _p(
                *_listed([letter(name, self.style) for name in group]),
                Text((" lie together" if len(group) > 1 else " lies") + " on the unit sphere; there the gradient is projected on the tangent space."),
            )
        if self.conventions:
            yield self._conventions()

    def _conventions(self) -> Paragraph:
        return _p(
            "Sums run over all values of their index; indices that are numbers count from 0. A dot is the derivative in time along the flow, and ",
            Formula(Fence("‖", Sign("·"), "‖")),
            " is the Euclidean norm. Every formula that carries a verdict was printed from the object that was checked; ",
            "its evidence names the certificates, and ",
            Link(f"#{APPENDIX}", (Text("the appendix"),)),
            " says how to check one.",
        )

    def _symbol(self, variable: Variable, meaning: tuple[Inline, ...]) -> tuple[tuple[Inline, ...], ...]:
        """A row of the glossary."""
        where: tuple[Inline, ...] = (Formula(_space(variable.shape, self.style)),)
        where += (Text(f", {variable.sign}"),) if variable.sign != "real" else ()
        return (Formula(letter(variable.name, self.style)),), where, meaning

    def _derivations(self) -> Iterator[Block]:
        rows = {r.title.removeprefix("derivation: "): r for r in self.rows if r.statement is None and not r.drifts}
        wanted = [d for d in self.target.derivations if f"derivation {d.title}" not in self.inserted]
        if wanted:
            yield Heading(2, (Text("Derivation"),), self._anchor("derivation"))
        for derived in wanted:
            yield self._steps(derived.title, rows)

    def _steps(self, title: str, rows: Mapping[str, Result]) -> Steps:
        derived = next(d for d in self.target.derivations if d.title == title)
        checked = rows[title].parts if title in rows else []
        results = iter(checked)
        shown: list[StepShown] = []
        for step in derived.steps:
            found = next(results, None) if step.part is not None else None
            badge = of_verdict(found.verdict) if found is not None else None
            lines = equation(step.left, step.right, Style(self.style.letters, self.style.order)).lines
            reason = words(step.reason, self.style)
            if badge is None and shown and shown[-1].badge is None and shown[-1].reason == reason:
                shown[-1] = StepShown(Lines((*shown[-1].lines.lines, *lines.lines)), reason, None)
            else:
                shown.append(StepShown(lines, reason, badge))
        return Steps(
            words(title[:1].upper() + title[1:], self.style), tuple(shown), self._evidence(checked, title, "Evidence: " + title.replace("!=", "≠"))
        )

    # ---- Claims --------------------------------------------------------------------------------------------------------------------------------

    def _claim(self, result: Result, prose: Prose) -> Iterator[Block]:
        statement = result.statement
        assert statement is not None
        section = prose.of(result.id)
        title = section.title if section and section.title else words(statement.title, self.style)
        title = () if title == (Text(result.id),) else title  # a claim of a theory file need not have a title of its own
        head = result.id + (" " if re.match(r"[A-Z]\d", result.id) else ": ")  # C6 The laws, but energy: The loss decreases
        yield Heading(2, (Text(head), *title) if title else (Text(result.id),), self._anchor(f"about-{result.id}"))
        yield from section.before if section else ()
        name = {"proved": "Theorem", "refuted": "Refuted claim", "supported": "Supported claim", "unknown": "Open claim"}[result.outcome]
        inside = [*self._needed(statement), *self._parts(result)]
        yield Claim(self._anchor(result.id), f"{name} {result.id}", of_row(result), tuple(inside), result.id)
        yield from section.after if section else ()

    def _needed(self, statement: Statement) -> Iterator[Block]:
        told: list[Inline] = []
        if statement.domain:
            told += [Styled("emphasis", (Text("Domain:"),)), Text(" "), *words(statement.domain, self.style), Text(". ")]
        if statement.given:
            told += [Styled("emphasis", (Text("Given:"),)), Text(" ")]
            told += [part for n, one in enumerate(statement.given) for part in (Text("; " if n else ""), *declared(one, self.style))]
            told.append(Text("."))
        if told:
            yield Paragraph(tuple(told))

    def _parts(self, result: Result) -> Iterator[Block]:
        data = named(result.parts)
        yield from data.told(self.style)
        shown: list[tuple[int, list[Block]]] = []
        for n, run in enumerate(grouped(result.parts)):
            name, alone = self._anchor(f"{result.id}-{n}"), len(result.parts) == 1
            shown.append((len(run), list(table(name, run, data, self.style) if len(run) > 1 else self._part(run[0], data, alone))))
        first = shown[:MOST_PARTS]
        yield from (block for _, blocks in first for block in blocks)
        further = shown[MOST_PARTS:]
        if further:
            count = sum(n for n, _ in further)
            yield Details(
                f"{count} further part{'s' if count > 1 else ''}, with their verdicts", tuple(block for _, blocks in further for block in blocks)
            )
        conditions = _conditions(result)
        if conditions:
            short = [c for c in conditions if len(c) <= LONGEST_CONDITION][:MOST_CONDITIONS]
            told = [re.sub(r"(sum_\w+)<\w+ \*?", r"\1 ", c) for c in short]  # the range of a sum is known
            inner = tuple(part for n, c in enumerate(told) for part in ((Text(", "),) if n else ()) + (Styled("code", (Text(c),)),))
            left = len(conditions) - len(short)
            rest = f"{'; and ' if short else ''}{left} further condition{'s hold' if left > 1 else ' holds'} that the certificates give in full"
            yield Paragraph((Styled("emphasis", (Text("Proved where"),)), Text(" "), *inner, Text(f"{rest if left else ''}.")))
        yield self._evidence(result.parts, result.id)
        if result.mutants:
            false = variants(f"{called(self.target.name)}/{result.id}", result.parts, result.mutants, self.style)
            yield Details(f"{len(result.mutants)} variants that must be false", tuple(false), deferred=True)

    def _part(self, one: PartResult, data: Named, alone: bool = False) -> Iterator[Block]:
        shown = displayed(one, words(one.part.label, self.style), data, self.style)
        yield shown if one.part.label or not alone else replace(shown, badge=None)  # the badge of the claim is its own
        decisive = one.verdict.decisive
        if one.verdict.contradictory:
            yield _p(Styled("strong", (Text("The routes contradict each other: one of the engines is wrong."),)))
        if decisive is not None and decisive.outcome == "refuted":
            yield from self._witness(decisive)
        elif one.verdict.outcome != "proved":
            yield Listing(tuple((_p(*words(shortened(f"{f.route}: {f.outcome}. {f.reason}"), self.style)),) for f in one.verdict.findings))

    def _witness(self, finding: Finding) -> Iterator[Block]:
        yield _p(Styled("strong", (Text("Witness."),)), " ", _sentence(re.sub(r"(?<!\w)-(?=\d)", "−", finding.reason)))
        lines = witness(finding)
        if lines:
            pairs = [line.partition(" = ") for line in lines]
            head = ((Text("symbol"),), (Text("value"),))
            yield Table(head, tuple(((Formula(letter(name, self.style)),), (Styled("code", (Text(value),)),)) for name, _, value in pairs))

    def _evidence(self, parts: Sequence[PartResult], name: str, title: str = "Evidence") -> Details:
        """The certificates of the parts of a claim or a derivation; those that the same routes found stand together."""
        groups: dict[tuple[str, tuple[str, ...]], list[tuple[Inline, ...]]] = {}
        for one in parts:
            carrying = [f for f in one.verdict.findings if f.outcome == one.verdict.outcome]
            own: list[Inline] = [Styled("emphasis", words(one.part.label or "the claim", self.style))]
            for finding in carrying:
                if finding.certificate is not None:
                    text = as_text(finding.certificate)
                    told = fingerprint(text)
                    own += [Text(" "), Certificate(told, f"{self._anchor(name)}-{told}.json", text)]
            groups.setdefault((one.verdict.outcome, tuple(f.route for f in carrying)), []).append(tuple(own))
        items = []
        for (outcome, routes), told_of in groups.items():
            head: list[Inline] = [Styled("strong", (Text(outcome),)), Text(" (")]
            for n, route in enumerate(routes or ("by no route",)):
                head += [Text("; " if n else ""), *words(place(route), self.style)]
            listed = [one for n, own in enumerate(told_of) for one in (Text("; " if n else "): "), *own)]
            items.append((_p(*head, *listed, "."),))
        return Details(title, (Listing(tuple(items)),), deferred=True)

    # ---- Experiments ---------------------------------------------------------------------------------------------------------------------------

    def _experiments(self) -> Iterator[Block]:
        wanted = [e for e in self.target.experiments if f"figure {e.id}" not in self.inserted]
        if wanted:
            yield Heading(2, (Text("Worked instances"),), self._anchor("instances"))
        for experiment in wanted:
            yield from self._instance(experiment)

    def _instance(self, experiment: Experiment) -> Iterator[Block]:
        row_ = next((r for r in self.rows if r.id == experiment.id and r.drifts), None)
        if row_ is None:
            return
        yield Heading(3, (Text(f"Experiment {experiment.id}"),), self._anchor(experiment.id))
        yield _p(*_data(experiment, self.style))
        found = self._work(experiment)
        yield _p("What was seen: ", of_row(row_))
        if found is not None:
            yield found.states(self.style)
            yield found.falls(self.style)
            yield from found.figures
        else:
            yield _p("The numbers of this experiment could not be followed; its drifts are as recorded.")

    def _work(self, experiment: Experiment) -> Worked | None:
        if experiment.id not in self._worked:
            self.report(f"figures of {experiment.id}")
            row_ = next(r for r in self.rows if r.id == experiment.id and r.drifts)
            try:
                self._worked[experiment.id] = worked(self._anchor(experiment.id), self.target, experiment, row_.drifts, self.digits)
            except (InvalidProblem, IntegrationFailed, OutOfDomain, Unsupported, NoRun):
                self._worked[experiment.id] = None
        return self._worked[experiment.id]

    # ---- What prose asks for -------------------------------------------------------------------------------------------------------------------

    def _insert(self, name: str, style: Style) -> Sequence[Block]:
        self.style = style
        self.inserted.add(name)
        kind, _, rest = name.partition(" ")
        if self.target.claim and kind != "figure" and name.removeprefix("phase ").partition(" / ")[0] != self.target.claim:
            return [_p(f"(Here the notes of {self.target.name} show {name}.)")]
        if kind == "derivation":
            rows = {r.title.removeprefix("derivation: "): r for r in self.rows if r.statement is None and not r.drifts}
            if rest not in {d.title for d in self.target.derivations}:
                raise BadProse(f"[[{name}]] was given; there are the derivations {', '.join(d.title for d in self.target.derivations)}")
            return [self._steps(rest, rows)]
        if kind == "phase":
            return [self._phases(rest)]
        if kind == "figure":
            chosen = next((e for e in self.target.experiments if e.id == rest), None)
            if chosen is None:
                raise BadProse(f"[[{name}]] was given; there are the experiments {', '.join(e.id for e in self.target.experiments)}")
            return list(self._instance(chosen))
        claim, only, label = (part.strip() for part in name.partition(" / "))
        for row_ in self.rows:
            if row_.id == claim and row_.statement is not None:
                if not only:
                    return [block for one in row_.parts for block in self._part(one, named(row_.parts))]
                for one in (*row_.parts, *row_.mutants):
                    if one.part.label == label:
                        return [*named([one]).told(style), displayed(one, (), named([one]), self.style)]
                known = "; ".join(one.part.label for one in (*row_.parts, *row_.mutants))
                raise BadProse(f"[[{name}]] was given; the parts and variants of {claim} are: {known}")
        raise BadProse(
            f"[[{name}]] was given; wanted is a claim ([[C6]]), or one of its parts ([[C6 / L = 2]]), "
            "[[derivation TITLE]], [[figure EXPERIMENT]] or [[phase CLAIM / LABEL]]"
        )

    def _phases(self, asked: str) -> Figure:
        """The phase diagram around the instance of a part: [[phase C21 / its label]], with the threshold behind a semicolon if there is one."""
        place, _, product = (piece.strip() for piece in asked.partition(";"))
        claim, _, label = (piece.strip() for piece in place.partition(" / "))
        parts = [one.part for row_ in self.rows if row_.id == claim and row_.statement is not None for one in row_.parts]
        stated = next((part.assertion for part in parts if part.label == label), None)
        ends = list(stated.ends.values()) if isinstance(stated, AtLimit) else []
        if len(ends) != 1:
            raise BadProse(f"[[phase {asked}]] was given; wanted is a part about the limit of one flow: [[phase CLAIM / LABEL]]")
        try:
            curve = threshold(product) if product else None
            self.report(f"phases of {claim}")
            return diagram(self._anchor(f"{claim}-phases"), cells(ends[0]), curve)
        except ValueError as error:
            raise BadProse(f"[[phase {asked}]] was given; {error}") from None

    # ---- References ----------------------------------------------------------------------------------------------------------------------------

    def _references(self) -> Iterator[Block]:
        cited = dict.fromkeys(s.citation for s in self.target.statements if s.citation)
        if cited:
            yield Heading(2, (Text("References"),), self._anchor("references"))
            yield Listing(tuple((Paragraph(tuple(_linked(one))),) for one in cited), ordered=True)


def _linked(citation: str) -> Iterator[Inline]:
    """A citation, its arXiv number a link."""
    found = re.search(r"arXiv:(\d{4}\.\d{4,5})", citation)
    if not found:
        yield Text(citation)
        return
    yield Text(citation[: found.start()])
    yield Link(f"https://arxiv.org/abs/{found[1]}", (Text(found[0]),))
    yield Text(citation[found.end() :])


def _conditions(result: Result) -> list[str]:
    decisive = [r.verdict.decisive for r in result.parts if r.verdict.outcome == "proved"]
    found = {c for finding in decisive if finding for c in finding.conditions}
    return essential(sorted(map(condition, found - {c.removesuffix("> 0") + "!= 0" for c in found if c.endswith("> 0")})))


def _sentence(reason: str) -> str:
    told = reason[:1].upper() + reason[1:]
    return told if told.endswith(".") else told + "."


def _space(shape: Sequence[sp.Expr], style: Style) -> Layout:
    parts: list[Layout] = []
    for n, length in enumerate(shape):
        parts += [Sign("×", "binary"), layout(length, style)] if n else [layout(length, style)]
    return Script(Letter("R", "blackboard"), None, row(*parts)) if parts else Letter("R", "blackboard")


def _listed(items: Sequence[Layout]) -> Iterator[Inline]:
    for n, item in enumerate(items):
        if n:
            yield Text(" and " if n + 1 == len(items) else ", ")
        yield Formula(item)


def _data(experiment: Experiment, style: Style) -> Iterator[Inline]:
    """The exact data and the start, in words."""
    yield Text("Data: ")
    for n, (name, value) in enumerate((*experiment.data.items(), *experiment.start.items())):
        if n == len(experiment.data):
            yield Text("; start: ")
        elif n:
            yield Text(", ")
        yield from valued(name, value, style)
    yield Text(f"; times up to {max(experiment.times)}. All numbers are exact.")

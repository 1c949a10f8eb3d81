"""An exported statement read back, by a reader of its own, and compared with the statement it was written from.

A proof is worth what its statement says. So the text is parsed again, with a grammar of its own, back into the language of certificates. The kernel
then proves, for all sizes where it can and at explicit sizes elsewhere, that every definition, hypothesis and claim in it is the one that was meant,
and that the equations of motion are those of the flow, which it derives from the pairing itself. What the file assumes beyond that must be a declared
sign, or a place where something in the file is not defined otherwise; and all of it must hold at a rational point: so the file speaks of something.

Nothing here is taken from the modules that write, but the table of words that Rocq has another use for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from random import Random
from typing import Any, Final

from theory.settings import Instance
from theory.statements import Part, gradient_tree, statement_tree

from ..division import certify
from ..instances import instances_of, sizes_of
from ..kernel import FORMAT, check
from ..kernel.language import Json, Rejected, read_statement
from ..kernel.points import residual_at
from ..sampling import NoPoint, assignment, sample
from .words import RESERVED

FUNCTIONS: Final = {"ln": "log", "exp": "exp", "sin": "sin", "cos": "cos", "Rabs": "abs"}
SCALES: Final = (Fraction(1), Fraction(1, 8), Fraction(1, 3), Fraction(1, 100))
POINTS: Final = 200
_TOKEN: Final = re.compile(r"\s*(=>|<>|<=|->|:=|[A-Za-z_][\w']*|\d+|[-+*/^()<=:,])")
_FRAME: Final = re.compile(r"(Module|Section|End) [\w']+\.|\(\*([^(*]|\((?!\*)|\*(?!\)))*\*\)")  # what groups, and comments
_SENTENCE: Final = re.compile(
    r"\b(Variables?|Hypothes[ie]s|Definition|Context|Let|Notation|Infix|Ltac|Section|End|Module|Theorem|Lemma|Fixpoint|Open|Close)\b"
)
_LEMMA: Final = re.compile(r"Lemma (moves|entry(_\d+)*) : ")
_RELATION: Final = {"<": "positive", "<=": "nonnegative", "<>": "nonzero"}
_ALWAYS: Final = "forall t, t0 < t < t1 -> "
_INDEX: Final = re.compile(r"forall ([\w']+), \(\1 < ([\w']+)\)%nat -> ")


class Misread(ValueError):
    """The text does not say what was meant; the message says where."""


def name_of(word: str) -> str:
    """The name of the statement that this word stands for: one underscore less, where the name alone would mean something else in Rocq.

    >>> name_of("kappa"), name_of("R_"), name_of("R__"), name_of("u_")
    ('kappa', 'R', 'R_', 'u_')
    """
    if word in RESERVED:
        raise Misread(f"{word!r} is a word of Rocq, or of the file, and stands for no name")
    taken = word.rstrip("_") in RESERVED or word.startswith("_")
    return word[:-1] if word.endswith("_") and taken else word


@dataclass
class Terms:
    """A reader of real-valued terms of Rocq. `moving` are the names that take the argument; `bound` the indices in scope."""

    text: str
    symbols: Mapping[str, int]  # how many indices a name takes
    moving: frozenset[str]
    argument: str
    sizes: frozenset[str]
    bound: tuple[str, ...] = ()
    clock: str = ""  # the symbol that is time itself
    tokens: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        outer, self.bound = self.bound, ()
        for word in outer:
            self.bind(word)
        place = 0
        while self.text[place:].strip():
            found = _TOKEN.match(self.text, place)
            if found is None:
                raise Misread(f"{self.text[place : place + 20]!r} is not a word of Rocq that is known here")
            self.tokens.append(found[1])
            place = found.end()
        self.tokens.reverse()

    def all(self) -> Json:
        tree = self.sum()
        if self.tokens:
            raise Misread(f"{' '.join(reversed(self.tokens))!r} is left over in {self.text!r}")
        return tree

    def bind(self, word: str) -> None:
        """One more index in scope, which must hide nothing."""
        if name_of(word) in self.symbols or name_of(word) in self.sizes or plain(word) in map(plain, self.bound):
            raise Misread(f"the index {word!r} hides what has this name outside")
        self.bound = (*self.bound, word)

    def peek(self) -> str:
        return self.tokens[-1] if self.tokens else ""

    def take(self, wanted: str = "") -> str:
        if not self.tokens or (wanted and self.tokens[-1] != wanted):
            raise Misread(f"{self.peek()!r} stands where {wanted or 'a term'!r} is wanted in {self.text!r}")
        return self.tokens.pop()

    def sum(self) -> Json:
        tree = self.product()
        while self.peek() in ("+", "-"):
            sign = self.take()
            right = self.product()
            tree = ["+", tree, right if sign == "+" else ["*", -1, right]]
        return tree

    def product(self) -> Json:
        tree = self.opposite()
        while self.peek() in ("*", "/"):
            sign = self.take()
            right = self.opposite()
            tree = ["*", tree, right if sign == "*" else ["^", right, -1]]
        return tree

    def opposite(self) -> Json:
        if self.peek() == "-":
            self.take()
            return ["*", -1, self.opposite()]
        tree = self.applied()
        if self.peek() == "^":
            self.take()
            exponent = self.take()
            if not exponent.isdigit():
                raise Misread(f"the exponent {exponent!r} of ^ is not a natural number")
            return ["^", tree, int(exponent)]
        return tree

    def applied(self) -> Json:
        word = self.peek()
        if not re.match(r"[A-Za-z_]", word) or (word == "t" and self.clock):
            return self.atom()
        self.take()
        if word in FUNCTIONS:
            return [FUNCTIONS[word], self.atom()]
        match word:
            case "sqrt":
                return ["^", self.atom(), ["/", 1, 2]]
            case "Rpower":
                return ["^", self.atom(), self.atom()]
            case "INR":
                name = name_of(self.take())
                if name not in self.sizes:
                    raise Misread(f"{name!r} is not a size")
                return name
            case "sum":
                return self.total()
        return self.reference(name_of(word))

    def reference(self, name: str) -> Json:
        if name not in self.symbols:
            raise Misread(f"{name!r} is not declared")
        indices = [self.index() for _ in range(self.symbols[name])]
        if name in self.moving and name != self.argument:
            at = self.take()
            if at != self.argument and (at in RESERVED or name_of(at) != self.argument):
                raise Misread(f"{name} is not taken at {self.argument}")
        return ["at", name, *indices] if indices else name

    def index(self) -> Json:
        word = self.take()
        if word.isdigit():
            return int(word)
        if word not in self.bound:
            raise Misread(f"the index {word!r} is not bound")
        return plain(word)

    def total(self) -> Json:
        size = self.take()
        for word in ("(", "fun"):
            self.take(word)
        name = self.take()
        self.take("=>")
        before = self.bound
        self.bind(name)
        body = self.sum()
        self.bound = before
        self.take(")")
        return ["sum", plain(name), int(size) if size.isdigit() else name_of(size), body]

    def atom(self) -> Json:
        word = self.peek()
        if word == "(":
            self.take()
            tree = self.sum()
            self.take(")")
            return tree
        self.take()
        if word.isdigit():
            return int(word)
        name = name_of(word)
        if word == "t" and self.clock:
            return self.clock
        if name in self.bound or self.symbols.get(name) != 0 or (name in self.moving and name != self.argument):
            raise Misread(f"{word!r} stands alone in {self.text!r}")
        return name


def plain(word: str) -> str:
    """An index as the language of certificates writes it."""
    return name_of(word).replace("'", "_prime")


@dataclass(frozen=True)
class Condition:
    """For all values of the indices the tree is positive (<), nonnegative (<=) or not zero (<>), as the text says."""

    indices: list[Any]
    tree: Json
    relation: str
    text: str


@dataclass(frozen=True)
class Reading:
    """What is compared: the part, its statement as JSON, and the instance for what the kernel cannot prove for all sizes."""

    part: Part
    tree: Json
    instance: Instance

    def same(self, indices: list[Any], left: Json, right: Json, what: str) -> None:
        """The kernel proves left = right, using no hypothesis, or `Misread`."""
        bare = {**self.tree, "hypotheses": [], "flow": None, "claim": {"kind": "equal", "indices": indices, "left": left, "right": right}}
        self._proved(bare, {}, what)

    def moves(self, name: str, indices: list[Any], rate: Json) -> None:
        """The kernel proves that the flow moves `name` at this rate, or `Misread`."""
        quantity = ["at", name, *(index for index, _ in indices)] if indices else name
        claim = {"kind": "evolves", "indices": indices, "quantity": quantity, "rate": rate}
        self._proved({**self.tree, "claim": claim}, gradient_tree(self.part.setting), f"the motion of {name}")

    def _proved(self, statement: Json, gradient: Json, what: str) -> None:
        with suppress(Rejected):
            check({"format": FORMAT, "kind": "all-sizes", "statement": statement, "gradient": gradient, "cofactors": []})
            return
        try:
            where = {"sizes": sizes_of(self.part.setting, self.instance), "values": {k: str(v) for k, v in self.instance.values.items()}}
            check({"format": FORMAT, "kind": "instance", "statement": statement, **certify(read_statement(statement), where)})
        except Rejected as error:
            raise Misread(f"{what} in the file is not that of the statement: {error}") from error


def read_back(part: Part, instance: Instance | None, text: str) -> tuple[str, ...]:
    """Compare the exported module `text` with the part, at the instance or, without one, for all sizes.

    Returns what the theorem assumes beyond the declared signs, the hypotheses and the equations of motion: where it is defined.

    Raises `Misread` if anything in it is not what was meant.
    """
    tree, general = statement_tree(part), instance is None
    instance = instances_of(part.setting)[0] if instance is None else instance
    reading = Reading(part, tree, instance)
    arities = {name: len(symbol["shape"]) for name, symbol in tree["symbols"].items()}
    arities |= {entry["name"]: len(entry["indices"]) for entry in tree["definitions"]}
    claim = tree["claim"]
    timed, by = claim["kind"] == "evolves", claim.get("by", "")
    moving = {name for name, symbol in tree["symbols"].items() if (timed and symbol["role"] != "constant") or name == by}
    for entry in tree["definitions"]:
        if moving & _names(entry["value"]):
            moving.add(entry["name"])
    argument = "t" if timed else by
    sizes = frozenset(tree["sizes"])
    clock = next((name for name, symbol in tree["symbols"].items() if symbol["role"] == "time"), "")

    said: list[Json] = []

    def term(words: str, raw: list[str]) -> Json:
        tree = Terms(words, arities, frozenset(moving), argument, sizes, tuple(raw), clock).all()
        said.append(tree)
        return tree

    wanted = {"evolves": ("quantity", "rate"), "equal": ("left", "right"), "gradient": ("of", "value")}[claim["kind"]]
    called = {"of": "quantity"}
    seen: set[str] = set()
    conditions: list[Condition] = []
    theorem = ""

    def once(word: str) -> None:
        if word in seen:
            raise Misread(f"{word} is declared twice")
        seen.add(word)

    for line in statement_lines(text):
        kind, _, rest = line.partition(" ")
        head, _, body = rest.partition(" :=" if kind == "Definition" else " : ")
        body = body.strip()
        match kind:
            case "Variables" if body == "nat":
                if not general or [name_of(word) for word in head.split()] != tree["sizes"]:
                    raise Misread(f"the sizes are declared as {head}")
            case "Variables" if (head, body) == ("t0 t1", "R") and timed:
                pass
            case "Variable":
                _variable(tree, name_of(head), body, timed and name_of(head) in moving)
                once(head)
            case "Definition":
                word, own, raw, type_ = _head(head, timed, by)
                once(word)
                key = next((key for key in wanted if called.get(key, key) == word), None)
                name = word if key else name_of(word)
                if type_ == "nat" or (not own and name in instance.values and name in tree["symbols"]):
                    given: Any = sizes_of(part.setting, instance) if type_ == "nat" else instance.values
                    if general or name not in given or Fraction(body.replace(" ", "")) != given[name]:
                        raise Misread(f"{name} is set to {body}")
                    continue
                family = next((entry for entry in tree["definitions"] if entry["name"] == name), None)
                if key is None and family is not None:
                    indices = [[index, size] for index, (_, size) in zip(own, family["indices"], strict=True)]
                    reading.same(indices, ["at", name, *own] if own else name, term(body, raw), f"the definition of {name}")
                elif key is not None:
                    indices = [[index, size] for index, (_, size) in zip(own, claim["indices"] if key != "of" else [], strict=True)]
                    new = dict(zip((index for index, _ in claim["indices"]), own, strict=False))
                    reading.same(indices, _renamed(claim[key], new), term(body, raw), f"the {key} of the claim")
                else:
                    raise Misread(f"the file defines {name}, which the statement does not")
            case "Hypothesis":
                indices, raw, always, what = quantified(body)
                if always and not timed:
                    raise Misread(f"{line} speaks of time")
                if (motion := re.fullmatch(r"derivable_pt_lim (\S+|\([^()]*\)) t \((.*)\)", what)) is not None:
                    name, *entries = motion[1].strip("()").split()
                    if entries != raw or not always:
                        raise Misread(f"{line} is not the motion of a block")
                    reading.moves(name_of(name), indices, term(motion[2], raw))
                elif re.fullmatch(r"\(0 < [\w']+\)%nat", what) and not indices:
                    if name_of(what[5:-5]) not in sizes:
                        raise Misread(f"{line} is not about a size")
                elif what.endswith(" = 0"):
                    _hypothesis(reading, indices, term(what[:-4], raw))
                elif (positive := re.fullmatch(r"0 (<=?) (.*)", what)) is not None:
                    conditions.append(Condition(indices, term(positive[2], raw), positive[1], body))
                elif what.endswith(" <> 0"):
                    conditions.append(Condition(indices, term(what[:-5], raw), "<>", body))
                else:
                    raise Misread(f"{line} is not a hypothesis of a kind that is known here")
            case "Theorem":
                theorem = line
            case _:
                raise Misread(f"{line} is not a sentence of a kind that is known here")
    _theorem(theorem, claim, by)
    for key in wanted:
        if called.get(key, key) not in seen and not (key == "rate" and claim["rate"] == 0):
            raise Misread(f"the file does not define the {key} of the claim")
    _inhabited(reading, conditions)
    places = {(_shape(place), relation) for one in said for place, relation in _places(one)}
    beyond = [one for one in conditions if not _declared(tree, one)]
    for one in beyond:
        if (_shape(one.tree), one.relation) not in places:
            raise Misread(f"the file assumes {one.text}, which is no declared sign and which nothing in it needs to be defined")
    return tuple(one.text.replace(_ALWAYS, "") for one in beyond)


def statement_lines(text: str) -> Iterator[str]:
    """The sentences of a module that belong to its statement, one a line: whatever stands outside of proofs."""
    inside = False
    for line in filter(None, text.splitlines()):
        word = line.partition(" ")[0]
        if inside:
            inside = line != "Qed."
            if line not in ("Proof.", "Qed.") and (not line.startswith("  ") or _SENTENCE.search(line)):
                raise Misread(f"{line!r} does not belong in a proof")
        elif word in ("Lemma", "Theorem"):
            inside = True
            if word == "Lemma" and not _LEMMA.match(line):
                raise Misread(f"{line!r} is not a step that is known here")
            if word == "Theorem":
                yield line.removesuffix(".")
        elif not _FRAME.fullmatch(line):
            if not line.endswith("."):
                raise Misread(f"{line!r} is not one sentence")
            yield line.removesuffix(".")


def quantified(text: str) -> tuple[list[Any], list[str], bool, str]:
    """The indices with their sizes, their words, whether it holds at all times, and what holds."""
    indices, raw = [], []
    while (found := _INDEX.match(text)) is not None:
        raw.append(found[1])
        indices.append([plain(found[1]), int(found[2]) if found[2].isdigit() else name_of(found[2])])
        text = text[found.end() :]
    always = text.startswith(_ALWAYS)
    return indices, raw, always, text.removeprefix(_ALWAYS)


def _variable(tree: Json, name: str, kind: str, moves: bool) -> None:
    if name not in tree["symbols"]:
        raise Misread(f"the file declares {name}, which the statement does not")
    shape = tree["symbols"][name]["shape"]
    if kind != "nat -> " * len(shape) + ("R -> R" if moves else "R"):
        raise Misread(f"{name} is declared as {kind}")


def _head(head: str, timed: bool, by: str) -> tuple[str, list[str], list[str], str]:
    """The word a definition is for, its indices as the certificates and as Rocq write them, and its type."""
    found = re.fullmatch(r"([\w']+)((?: \([\w']+ : nat\))*)( \(([\w']+) : ([^()]*)\))? : (R|nat)", head)
    if found is None:
        raise Misread(f"{head!r} is not the head of a definition")
    if found[3] and not (timed and (found[4], found[5]) == ("t", "R")) and not (by and name_of(found[4]) == by):
        raise Misread(f"{head!r} has an argument that is neither an index nor what moves")
    raw = re.findall(r"\(([\w']+) : nat\)", found[2])
    return found[1], [plain(word) for word in raw], raw, found[6]


def _hypothesis(reading: Reading, indices: list[Any], zero: Json) -> None:
    """One of the statement's hypotheses, or a sphere."""
    flow = reading.tree["flow"]
    known = [(family["indices"], family["zero"]) for family in reading.tree["hypotheses"]]
    for group in flow["spheres"] if flow else []:
        squares = [["sum", f"s{n}_", reading.tree["symbols"][name]["shape"][0], ["^", ["at", name, f"s{n}_"], 2]] for n, name in enumerate(group)]
        known.append(([], ["+", *squares, -1]))
    for own, tree in known:
        if [size for _, size in own] == [size for _, size in indices]:
            new = {old: name for (old, _), (name, _) in zip(own, indices, strict=True)}
            with suppress(Misread):
                reading.same(indices, _renamed(tree, new), zero, "a hypothesis")
                return
    raise Misread("the file assumes an equation that is none of the hypotheses of the statement")


def _theorem(line: str, claim: Json, by: str) -> None:
    """The theorem is the claim, word for word."""
    head, _, body = line.partition(" : ")
    indices, raw, always, what = quantified(body)
    if [size for _, size in indices] != [size for _, size in claim["indices"]]:
        raise Misread("the theorem has other indices than the claim")
    words = "".join(f" {word}" for word in raw)
    of = f"(quantity{words})" if words else "quantity"
    match claim["kind"]:
        case "evolves" if claim["rate"] == 0:
            both = "forall s t, t0 < s < t1 -> t0 < t < t1 -> "
            wanted = "Theorem conserved", False, f"{both}quantity{words} s = quantity{words} t"
        case "evolves":
            wanted = "Theorem evolves", True, f"derivable_pt_lim {of} t (rate{words} t)"
        case "equal":
            wanted = "Theorem equal", False, f"left{words} = right{words}"
        case _:
            x = f"{by}_" if name_of(f"{by}_") == by else by
            partial = f"(fun h => quantity (update {x}{words} h)) ({x}{words}) (value{words})"
            wanted = "Theorem gradient", False, f"derivable_pt_lim {partial if raw else f'quantity {x} value'}"
    if (head, always, what) != wanted:
        raise Misread(f"the theorem reads {line!r}, and that is not the claim")


def _declared(tree: Json, condition: Condition) -> bool:
    """Whether it is the declared sign of every entry of a symbol."""
    name, *entry = condition.tree[1:] if condition.tree[0] == "at" else (condition.tree,)
    symbol = tree["symbols"].get(name) if isinstance(name, str) else None
    if symbol is None or entry != [index for index, _ in condition.indices]:
        return False
    return bool(symbol["sign"] == _RELATION[condition.relation] and symbol["shape"] == [size for _, size in condition.indices])


def _places(tree: Json) -> Iterator[tuple[Json, str]]:
    """What must be positive, or not zero, for a tree to be defined and smooth."""
    if not isinstance(tree, list):
        return
    for part in tree[2:] if tree[0] in ("at", "sum") else tree[1:]:
        yield from _places(part)
    match tree:
        case ["log", ["abs", inside]]:
            yield inside, "<>"
        case ["log", inside]:
            yield inside, "<"
        case ["abs", inside]:
            yield inside, "<>"
        case ["^", base, int(exponent)]:
            if exponent < 0:
                yield from ((factor, "<>") for factor in _factors(base))
        case ["^", base, _]:
            yield base, "<"


def _factors(tree: Json) -> Iterator[Json]:
    """A product is not zero where these are not."""
    match tree:
        case ["*", *args]:
            for arg in args:
                yield from _factors(arg)
        case ["^", base, int()]:
            yield from _factors(base)
        case _:
            yield tree


def _shape(tree: Json) -> Json:
    """The tree with its indices called by the order in which they occur: equal for trees that differ in these names alone."""
    free: dict[str, str] = {}

    def called(part: Json, bound: Mapping[str, str]) -> Json:
        match part:
            case ["at", name, *indices]:
                words = (index if isinstance(index, int) else bound.get(index) or free.setdefault(index, f"#{len(free)}") for index in indices)
                return ("at", name, *words)
            case ["sum", index, size, body]:
                return ("sum", size, called(body, {**bound, index: f"${len(bound)}"}))
            case [head, *args]:
                return (head, *(called(arg, bound) for arg in args))
        return part

    return called(tree, {})


def _inhabited(reading: Reading, conditions: list[Condition]) -> None:
    """A rational point where the hypotheses and all conditions hold, or `Misread`."""
    random, reason = Random(0), "no rational point was found where all of them hold"
    try:
        for point in islice(_points(reading, random), POINTS):
            try:
                if all(_holds(reading, condition, point) for condition in conditions):
                    return
            except Rejected as error:
                reason = str(error)
    except NoPoint as error:
        reason = str(error)
    raise Misread(f"it is not known that the hypotheses can be met: {reason}")


def _points(reading: Reading, random: Random) -> Iterator[Any]:
    setting = reading.part.setting
    for n in range(POINTS):
        yield assignment(setting, reading.instance, sample(setting, reading.instance, random, scale=SCALES[n % len(SCALES)]), bits=200)


def _holds(reading: Reading, condition: Condition, point: Any) -> bool:
    sign = condition.relation
    claim = {"kind": "equal", "indices": condition.indices, "left": condition.tree, "right": 0}
    values = residual_at(read_statement({**reading.tree, "claim": claim}), point).values()
    return all(value > 0 or (sign == "<>" and value < 0) or (sign == "<=" and value >= 0) for value in values)


def _names(tree: Json) -> set[str]:
    """Every word in a tree."""
    if isinstance(tree, str):
        return {tree}
    return set().union(*map(_names, tree)) if isinstance(tree, list) else set()


def _renamed(tree: Json, new: Mapping[str, str]) -> Json:
    """The tree with free indices called otherwise; an index bound in it that would be hidden is called otherwise first."""
    if isinstance(tree, str):
        return new.get(tree, tree)
    if not isinstance(tree, list):
        return tree
    if tree[0] == "sum" and tree[1] in new.values():
        other = f"{tree[1]}_"
        while other in _names(tree) | set(new.values()):
            other += "_"
        return ["sum", other, tree[2], _renamed(tree[3], {**new, tree[1]: other})]
    return [tree[0], *(_renamed(entry, new) for entry in tree[1:])]

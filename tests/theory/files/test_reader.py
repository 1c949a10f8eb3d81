"""Theory files that are read, and files that are refused with one sentence."""

from __future__ import annotations

import contextlib
import json
import tomllib
from fractions import Fraction
from pathlib import Path

import jsonschema
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import theory.files
from theory.files import TheoryFileError, read, read_text
from theory.statements import Equal, Evolves
from theory.symbols import Variable, index, size

BASE = """
title = "A title"
text = "Some prose."
[sizes]
N = 4
M = 2
[constants]
kappa = "positive"
half = "1/2"
[data]
A = "M x N"
y = "M"
[parameters]
r = "positive scalar"
u = "N, positive, sphere"
[model]
predictor = "x[i] = (r*u[i])**2"
loss = "square(A, y)"
[flow]
rates = { r = 1, u = "kappa" }
[[claim]]
id = "law"
conserved = "sum(i, z[i]*(log(u[i]) + kappa*r**2*half))"
where = { z = "kernel(A)" }
[[claim]]
id = "wrong"
conserved = "r"
expect = "refuted"
[start]
r = 1
u = ["1/2", 0.5, "0.5", "2/4"]
"""
RUN = """
title = "A run"
[sizes]
N = 4
M = 2
[constants]
kappa = { sign = "positive", value = 2 }
[data]
A = { shape = "M x N", value = [[1, 0, 1, 0], [0, 1, 0, "1/3"]] }
y = [1, 2]
[parameters]
r = "positive scalar"
u = "N, positive, sphere"
[model]
predictor = "x[i] = (r*u[i])**2"
loss = "square(A, y)"
[flow]
rates = { u = "kappa" }
[start]
r = 1
u = ["1/2", 0.5, "0.5", "2/4"]
[run]
times = [1, 2.5]
"""
N, M = size("N"), size("M")


def changed(old: str, new: str, text: str = BASE) -> str:
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the base"
    return text.replace(old, new)


# ---- what is read ----------------------------------------------------------------------------------------------------------------------------


def test_a_theory_holds_what_the_file_says() -> None:
    theory = read_text(BASE)
    assert (theory.title, theory.text, theory.sizes) == ("A title", "Some prose.", {"N": 4, "M": 2})
    assert theory.start == {"r": Fraction(1), "u": (Fraction(1, 2),) * 4}
    assert theory.times == ()
    assert [(s.id, s.expect) for s in theory.statements] == [("law", "proved"), ("wrong", "refuted")]


def test_a_run_has_exact_data_start_and_times() -> None:
    theory = read_text(RUN)
    assert theory.times == (Fraction(1), Fraction(5, 2))
    assert theory.start == {"r": Fraction(1), "u": (Fraction(1, 2),) * 4}
    assert theory.data == {"kappa": 2, "A": ((1, 0, 1, 0), (0, 1, 0, Fraction(1, 3))), "y": (1, 2)}


def test_the_setting_is_that_of_the_polar_flow() -> None:
    setting = read_text(BASE).setting
    u, r = Variable("u", (N,), "parameter", "positive"), Variable("r", (), "parameter", "positive")
    assert setting["u"] == u
    assert setting["r"] == r
    assert [d.name for d in setting.definitions] == ["x", "nu", "G", "F"]
    assert setting.flow is not None
    assert setting.flow.space.spheres == (("u",),)
    assert setting.flow.held == ("G",)
    assert setting.flow.rates["u"].value == Variable("kappa", (), "constant", "positive")[()]
    assert setting.instances[0].sizes == {"N": 4, "M": 2}


def test_a_number_is_put_in_everywhere() -> None:
    law = read_text(BASE).statements[0].parts[0].assertion
    assert isinstance(law, Evolves)
    assert "half" not in {getattr(s, "name", "") for s in law.quantity.free_symbols}


def test_where_variables_come_with_their_hypotheses() -> None:
    part = read_text(BASE).statements[0].parts[0]
    z, a = part.setting["z"], part.setting["A"]
    assert isinstance(z, Variable)
    assert z.shape == (N,)
    ((indices, value),) = [(h.indices, h.value) for h in part.setting.hypotheses]
    (k, rows), i = indices[0], index("i")
    assert rows == M
    assert value == sp.Sum(a[k, i] * z[i], (i, 0, N - 1))
    assert read_text(BASE).setting.hypotheses == ()


@pytest.mark.parametrize(
    ("spec", "hypothesis"),
    [
        ("kernel(A)", "Sum(A[k, i]*z[i], (i, 0, N - 1))"),
        ("N, null(A)", "Sum(A[k, i]*z[i], (i, 0, N - 1))"),
        ("left_kernel(A)", "Sum(A[k, i]*z[k], (k, 0, M - 1))"),
        ("solution(A, y)", "-y[k] + Sum(A[k, i]*z[i], (i, 0, N - 1))"),
    ],
)
def test_where_words(spec: str, hypothesis: str) -> None:
    text = changed("sum(i, z[i]*(log(u[i]) + kappa*r**2*half))", "r*norm(z)", changed("kernel(A)", spec))
    (found,) = read_text(text).statements[0].parts[0].setting.hypotheses
    assert str(found.value) == hypothesis


@pytest.mark.parametrize("spelling", ["positive scalar", "scalar, positive", "positive", "scalar positive"])
def test_spellings_of_a_scalar(spelling: str) -> None:
    assert read_text(changed("positive scalar", spelling)).setting["r"] == Variable("r", (), "parameter", "positive")


@pytest.mark.parametrize("spelling", ["M x N", "MxN", "M × N", "M * N", "matrix M x N", "M by N", "M, N", "real matrix, M x N"])
def test_spellings_of_a_matrix(spelling: str) -> None:
    assert read_text(changed('"M x N"', f'"{spelling}"')).setting["A"] == Variable("A", (M, N))


def test_a_prediction_of_another_name_is_x_and_may_be_called_by_it() -> None:
    text = changed('conserved = "r"', 'identity = "p[i] = x[i]"', changed("x[i] = (r", "p[i] = (r"))
    claim = read_text(text).statements[1].parts[0].assertion
    assert isinstance(claim, Equal)
    assert claim.left == claim.right


def test_names_of_ours_give_way_to_the_file() -> None:
    text = changed('y = "M"', 'y = "M"\nx = "N"\nG = "N"\nF = "N"', changed("x[i] = (r*u[i])**2", "f[i] = x[i]*G[i]*F[i]*u[i]*r"))
    setting = read_text(text).setting
    assert [d.name for d in setting.definitions] == ["f", "nu", "G_loss", "F_loss"]


def test_explicit_data_are_values_of_the_instance() -> None:
    theory = read_text(changed('"M x N"', "[[1, 2, 3, 4], [0.5, 0, 0, 1]]"))
    assert theory.setting["A"] == Variable("A", (M, N))
    assert theory.data["A"] == ((1, 2, 3, 4), (Fraction(1, 2), 0, 0, 1))
    assert theory.statements[0].parts[0].setting.instances[0].values["A"] == theory.data["A"]


def test_a_constant_in_an_exponent_has_a_value_at_the_instance() -> None:
    text = changed("(r*u[i])**2", "(r*u[i])**L", changed('kappa = "positive"', 'kappa = "positive"\nL = "positive"'))
    values = read_text(text).statements[0].parts[0].setting.instances[0].values
    assert values == {"L": Fraction(3)}


def test_a_declared_value_is_that_of_the_instance() -> None:
    text = changed("(r*u[i])**2", "(r*u[i])**L", changed('kappa = "positive"', 'kappa = "positive"\nL = { sign = "positive", value = 4 }'))
    assert read_text(text).statements[0].parts[0].setting.instances[0].values == {"L": Fraction(4)}


def test_a_size_that_is_no_length_is_a_positive_constant() -> None:
    text = changed("(r*u[i])**2", "(r*u[i])**D", changed("M = 2", "M = 2\nD = 5"))
    setting = read_text(text).setting
    assert setting["D"] == Variable("D", (), "constant", "positive")
    assert setting.instances[0].values["D"] == 5


def test_a_rate_may_depend_on_the_own_index() -> None:
    flow = read_text(changed(", sphere", "", changed('u = "kappa"', 'u = "kappa*x[i]"'))).setting.flow
    assert flow is not None
    (own,) = [letter for letter, _ in flow.rates["u"].indices]
    assert own in flow.rates["u"].value.free_symbols


@pytest.mark.parametrize("loss", ["any", "any(A)", "exponential(A)", "logistic(A)", "square(A, y)", "quadratic(A,y)", "sum(k, nrm[k]**2)"])
def test_losses(loss: str) -> None:
    text = changed("square(A, y)", loss) + '[definitions]\n"nrm[k]" = "sum(i, A[k,i]*x[i]) - y[k]"\n'
    assert read_text(text).setting.flow is not None


@pytest.mark.parametrize("order", [1, 5, 6, 9, 60])
@pytest.mark.parametrize("loss", ["any", "exponential"])
def test_a_tensor_may_have_any_number_of_indices(order: int, loss: str) -> None:
    shape = " x ".join(["N"] * order)
    flow = read_text(f'[sizes]\nN = 2\n[parameters]\nT = "{shape}"\n[model]\nloss = "{loss}"\n').setting.flow
    assert flow is not None
    velocity = flow.velocities["T"]
    own = [i for i, _ in velocity.indices]
    assert len(set(own)) == order
    assert {entry.indices for entry in velocity.value.atoms(sp.Indexed)} == {tuple(own)}


def test_definitions_may_stand_in_any_order() -> None:
    text = BASE + '[definitions]\na = "b + F"\nb = "2*c"\nc = "r**2"\n'
    assert [d.name for d in read_text(text).setting.definitions] == ["c", "b", "x", "nu", "G", "F", "a"]


def test_indices_may_have_the_names_of_what_a_claim_adds() -> None:
    text = changed("sum(i, z[i]*(log(u[i]) + kappa*r**2*half))", "k*sum(j, i[j])", changed('z = "kernel(A)"', 'k = "real", i = "kernel(A)"'))
    part = read_text(text).statements[0].parts[0]
    declared = {"k", "i", *(v.name for v in part.setting.variables)}
    for definition in part.setting.definitions:
        bound = {str(letter) for node in definition.family.value.atoms(sp.Sum) for letter in node.variables}
        assert not (bound | {str(letter) for letter, _ in definition.family.indices}) & declared


def test_a_field_is_a_flow_of_its_own() -> None:
    text = '[sizes]\nN = 2\n[parameters]\nu = "N"\ns = "scalar"\n[flow]\nfield = { u = "-s*u[i]", s = 0 }\n[[claim]]\nid = "a"\nconserved = "s"\n'
    flow = read_text(text).setting.flow
    assert flow is not None
    assert set(flow.drift) == {"u", "s"}
    assert not flow.rates


def test_a_field_on_a_sphere_has_to_be_tangent() -> None:
    text = '[sizes]\nN = 2\n[parameters]\nu = "N, sphere"\n[flow]\nfield = { u = "-u[i]" }\n[[claim]]\nid = "a"\nconserved = "norm2(u)"\n'
    parts = read_text(text).statements[0].parts
    assert [part.label for part in parts] == ["", "the field is tangent to the sphere of u"]


def test_a_file_is_read_from_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xef\xbb\xbf" + changed('title = "A title"\n', "").encode())
    assert read(path).title == "mine"
    assert read(str(path)).statements[0].provenance == str(path)


# ---- what is refused -------------------------------------------------------------------------------------------------------------------------

BAD = [
    ('title = "A title"', "title = A title", ["this is not TOML", "line 2, column 9"]),
    ('title = "A title"', 'titel = "A title"', ["the key or table 'titel' is not known", "did you mean title?"]),
    ('title = "A title"', "title = 3", ["a text was wanted, and 3 was given"]),
    ('title = "A title"', "x = 1e400", ["is not a decimal of at most 60 digits"]),
    ('title = "A title"', "x = nan", ["'nan' is not a decimal"]),
    ("[sizes]", "[size]", ["did you mean sizes?"]),
    ("N = 4", "N = 0", ["[sizes] N", "a whole number from 1 to 1000 was wanted, and 0 was given"]),
    ("N = 4", "N = 2.5", ["a whole number from 1 to 1000"]),
    ("N = 4", 'N = "4"', ["a whole number from 1 to 1000", "'4' was given"]),
    ("N = 4", "N = true", ["a whole number from 1 to 1000"]),
    ("N = 4", "N = 4\nx = 3", ["stands between sizes"]),
    ("N = 4", "N = 4\nsum = 3", ["sum is a function"]),
    ("N = 4", 'N = 4\n"κ" = 3', ["is not a name (write Greek letters in Latin ones"]),
    ('kappa = "positive"', 'kappa = "positiv"', ["positiv is neither a declared size nor one of", "did you mean positive?"]),
    ('kappa = "positive"', 'kappa = "negative"', ["write a minus in the formulas"]),
    ('kappa = "positive"', "kappa = true", ["an exact number was wanted, and True was given"]),
    ('kappa = "positive"', 'kappa = { sign = "positive", val = 3 }', ["the key 'val' is not known", "did you mean value?"]),
    ('kappa = "positive"', 'kappa = { sign = "positive", value = -3 }', ["the value -3 was given for something declared positive"]),
    ('kappa = "positive"', 'kappa = ""', ["a declaration was wanted, and the text is empty"]),
    ('half = "1/2"', 'half = "1/0"', ["division by zero"]),
    ('half = "1/2"', 'half = "2**0.5"', ["a rational number was wanted"]),
    ('A = "M x N"', 'A = "M x K"', ["K is neither a declared size", "declare the size in [sizes], K = 4"]),
    ('A = "M x N"', 'A = "M N"', ["two sizes follow each other at N"]),
    ('A = "M x N"', 'A = "M x N, sphere"', ["sphere is neither a declared size nor one of"]),
    ('A = "M x N"', 'A = "M x x N"', ["'x' stands between two sizes"]),
    ('A = "M x N"', 'A = "M x N, positive, nonzero"', ["the signs positive and nonzero were both given"]),
    ('A = "M x N"', "A = [[1, 2], [3]]", ["the rows have different shapes"]),
    ('A = "M x N"', 'A = { shape = "M x N", value = [[1, 2]] }', ["values of the shape 1 x 2 were given, and M = 2 x N = 4 was wanted"]),
    ('A = "M x N"', "A = []", ["an empty list was given"]),
    ('A = "M x N"', "A = " + "[" * 2_000 + "]" * 2_000, ["nested"]),
    ('A = "M x N"', 'A = "M x N, symmetric"', ["is not a square matrix"]),
    ('y = "M"', 'y = "N"', ["y has the shape N, where M is wanted"]),
    ('y = "M"', 'A = "M"', ["this is not TOML"]),
    ('y = "M"', 'y = "M"\nkappa = "N"', ["the name kappa is declared twice, here and in [constants]"]),
    ('r = "positive scalar"', 'r = "positive scalar, N"', ["a scalar has no shape, and N was given"]),
    ('r = "positive scalar"', "r = 1", ["a declaration in words was wanted, and 1 was given"]),
    ('r = "positive scalar"', 'r = "positive, sphere"', ["r is declared on a sphere, and is not a vector"]),
    ('u = "N, positive, sphere"', 'u = "N; positive"', ["the character ';' is not part of a declaration"]),
    ("x[i] = (r*u[i])**2", "x[i] = (r*w[i])**2", ["[model] predictor", "the name w is not declared"]),
    ("x[i] = (r*u[i])**2", "x[i] = (R*u[i])**2", ["did you mean r?"]),
    ("x[i] = (r*u[i])**2", "x[i,j] = (r*u[i])**2", ["the index j stands in no entry"]),
    ("x[i] = (r*u[i])**2", "x = (r*u[i])**2", ["the index i stands free on the right side, and not on the left", "write x[i]"]),
    ("x[i] = (r*u[i])**2", "x[0] = (r*u[0])**2", ["a name for an index was wanted"]),
    ("x[i] = (r*u[i])**2", "u[i] = (r*u[i])**2", ["the prediction is called u, which is a parameter"]),
    ("x[i] = (r*u[i])**2", "A[i] = (r*u[i])**2", ["the prediction is called A, which is declared in [data]"]),
    ("x[i] = (r*u[i])**2", "x[k] = A[k,0]", ["the prediction mentions no parameter"]),
    ("x[i] = (r*u[i])**2", "x[i] = r*u[0]*u[i]", ["the gradient cannot be derived"]),
    ("x[i] = (r*u[i])**2", "2*x[i] = (r*u[i])**2", ["a name with its indices was wanted on the left"]),
    ("x[i] = (r*u[i])**2", "x[i] = (r*u[i] + r + 1)**64", ["terms when it is multiplied out"]),
    ('conserved = "r"', 'conserved = "(r + kappa + norm2(u) + norm2(y))**64"', ["terms when it is multiplied out"]),
    ('predictor = "x[i] = (r*u[i])**2"', "predictor = [1]", ["an expression was wanted, and [1] was given"]),
    ('predictor = "x[i] = (r*u[i])**2"\n', "", ["there is a loss, and no predictor"]),
    ('loss = "square(A, y)"\n', "", ["there is a predictor and no loss"]),
    ("square(A, y)", "square(y)", ["y has the shape M, where N is wanted"]),
    ("square(A, y)", "square(A)", ["A has the shape M x N, where N is wanted"]),
    ("square(A, y)", "square", ["square takes 1 or 2 names of data, and was given 0"]),
    ("square(A, y)", "square(B, y)", ["the name B is not declared"]),
    ("square(A, y)", "square(u)", ["u is not data"]),
    ("square(A, y)", "any(y)", ["y has the shape M, where M x N is wanted"]),
    ("square(A, y)", "squares(A, y)", ["the loss squares is not known", "did you mean square?"]),
    ("square(A, y)", "x[i]**2", ["the index i stands free in the loss"]),
    ("square(A, y)", "norm2(y)", ["nothing would move"]),
    ("rates = {", "rate = {", ["did you mean rates?"]),
    ("rates = { r = 1, u =", "rates = { r = 1, w =", ["w is not a parameter; the parameters are r, u"]),
    ('u = "kappa" }', 'u = "kappa*u[i]" }', ["u lies on a sphere, and its rate depends on the entry"]),
    ('u = "kappa" }', 'u = "kappa*y[k]" }', ["the index k runs over M here, and u has the length N"]),
    ('rates = { r = 1, u = "kappa" }', "rates = 3", ["entries for the parameters were wanted, and 3 was given"]),
    ('rates = { r = 1, u = "kappa" }', 'kind = "newton"', ["the kind 'newton' is not known; known are gradient, field"]),
    ('rates = { r = 1, u = "kappa" }', 'kind = "field"', ["the kind is field, and field is not given"]),
    ('rates = { r = 1, u = "kappa" }', 'field = { r = "r" }', ["field says nothing of u"]),
    ('rates = { r = 1, u = "kappa" }', "field = { r = 1, u = 1 }\nrates = { r = 1 }", ["rates was given too"]),
    ('[[claim]]\nid = "law"', '[claim]\nid = "law"', ["this is not TOML"]),
    ('id = "law"', 'id = ""', ["a claim needs an id"]),
    ('id = "law"\n', "", ["[[claim]] number 1: a claim needs an id"]),
    ('id = "law"', "id = 3", ["a claim needs an id, and 3 was given"]),
    ('id = "law"', 'id = "wrong"', ["there are two claims with this id"]),
    ('id = "law"', 'id = "law"\nidentity = "r = r"', ["exactly one thing, and conserved, identity was given"]),
    ('id = "law"', 'id = "law"\nrate = "r"', ["exactly one thing, and conserved, rate was given"]),
    ('id = "law"', 'id = "law"\nconserve = "r"', ["did you mean conserved?"]),
    ('id = "law"', 'id = "law"\ntitle = 3', ["a text was wanted, and 3 was given"]),
    ('conserved = "r"', 'quantity = "r"', ["exactly one thing, and quantity was given"]),
    ('conserved = "r"\n', "", ["exactly one thing, and none was given"]),
    ('conserved = "r"', 'conserved = "r = 1"', ["an expression was wanted for conserved, and there is an ="]),
    ('conserved = "r"', 'identity = "r"', ["an equation was wanted, and there is no ="]),
    ('conserved = "r"', 'identity = "r = r = r"', ["an equals sign stands only between"]),
    ('conserved = "r"', 'quantity = "r"\nrate = "u[i]"', ["the index i stands free in the rate, and not in the quantity"]),
    ('conserved = "r"', 'quantity = "u[i]"\nrate = "y[i]"', ["the index i runs over M in the rate"]),
    ('conserved = "r"', "conserved = true", ["an expression was wanted, and True was given"]),
    ('expect = "refuted"', 'expect = "false"', ["'false' was given", 'expect = "proved" or "refuted"']),
    ('z = "kernel(A)"', 'z = "kernel(B)"', ["B is not data"]),
    ('z = "kernel(A)"', 'z = "kernel(A, y)"', ["kernel takes 1 names of data, and was given 2"]),
    ('z = "kernel(A)"', 'z = "left_kernel(y)"', ["y is not a matrix"]),
    ('z = "kernel(A)"', 'z = "M, kernel(A)"', ["z is declared M, and is N by kernel(A)"]),
    ('z = "kernel(A)"', 'u = "kernel(A)"', ["the name u is declared twice"]),
    ('z = "kernel(A)"', 'z = "left_kernel(A)"', ["the index i runs over M in z[i], and over N in u[i]"]),
    ('z = "kernel(A)"', 'z = "solution(A)"', ["solution takes 2 names"]),
    ('z = "kernel(A)"', "z = 3", ["a declaration in words was wanted, and 3 was given"]),
    ('z = "kernel(A)" }', 'z = "N", given = ["sum(i, z[i])"] }', ["an equation was wanted"]),
    ('z = "kernel(A)" }', 'z = "N", given = ["sum(i, z[i]*u[i]) = 0"] }', ["u moves along the flow, and a hypothesis is about constants"]),
    ('z = "kernel(A)" }', 'z = "N", given = 3 }', ["a list of equations was wanted"]),
    ('where = { z = "kernel(A)" }', "where = 3", ["a table of names was wanted"]),
    ("r = 1\nu =", "u =", ["values for u were given, and none for r"]),
    ("r = 1\nu =", "r = -1\nu =", ["the value -1 was given for something declared positive"]),
    ("r = 1\nu =", "s = 1\nu =", ["s is not a parameter"]),
    ('u = ["1/2", 0.5, "0.5", "2/4"]', "u = [1, 1, 1, 1]", ["the sum of squares is 4, and 1 is wanted"]),
    ('u = ["1/2", 0.5, "0.5", "2/4"]', "u = [1]", ["values of the shape 1 were given, and N = 4 was wanted"]),
]
BAD_RUNS = [
    ("times = [1, 2.5]", "times = [1, 1]", ["the time 1 follows 1"]),
    ("times = [1, 2.5]", "times = [1]\nT = 2", ["times and T were both given"]),
    ("times = [1, 2.5]", "T = 0", ["the time 0 follows 0"]),
    ("times = [1, 2.5]", "T = inf", ["is not a decimal"]),
    ('kappa = { sign = "positive", value = 2 }', 'kappa = "positive"', ["a run was asked for, and kappa has no value"]),
    ("square(A, y)", "any(A)", ["of the loss nu is not known"]),
    ('r = 1\nu = ["1/2", 0.5, "0.5", "2/4"]\n', "", ["no start was given"]),
    ("[run]", "[run]\nsteps = 3", ["the key 'steps' is not known"]),
]


@pytest.mark.parametrize(("old", "new", "told"), BAD, ids=[new[:40] or f"without {old[:30]}" for old, new, _ in BAD])
def test_a_bad_file_is_refused_in_one_sentence(old: str, new: str, told: list[str]) -> None:
    _refused(changed(old, new), told)


@pytest.mark.parametrize(("old", "new", "told"), BAD_RUNS, ids=[new[:40] or f"without {old[:30]}" for old, new, _ in BAD_RUNS])
def test_a_bad_run_is_refused_in_one_sentence(old: str, new: str, told: list[str]) -> None:
    _refused(changed(old, new, RUN), told)


def _refused(text: str, told: list[str]) -> None:
    with pytest.raises(TheoryFileError) as caught:
        read_text(text, "mine.toml")
    message = str(caught.value)
    assert message.startswith("mine.toml")
    for part in told:
        assert part in message
    assert "fault of the reader" not in message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the file is empty"),
        ("  \n# nothing\n", "claims, parameters"),
        ('[parameters]\nu = "scalar"\n[[claim]]\nid = "a"\nconserved = "u"\n', "the claim is about a flow, and the file has none"),
        ('[definitions]\na = "b"\nb = "a"\n', "in a circle"),
        ('[definitions]\na = "a"\n', "in a circle"),
        ('[definitions]\n"a[i]" = "1"\n', "the index i stands in no entry"),
        ("[flow]\nrates = {}\n", "there is a flow, and no [model]"),
        ("claim = 3\n", "claims are tables [[claim]], with two brackets"),
        ("sizes = 3\n", "a table [sizes] was wanted"),
        ("[sizes]\nN = 2\nM = 2\n[data]\na = [1, 2]\n", "the values have the length 2, which is that of N and of M"),
        ("a = " + "[" * 100_000, "nested too deeply"),
        ("a = " + "9" * 5_000, "a number cannot be read"),
        ("[constants]\na = " + "9" * 500, "the number has more than 60 digits"),
        ("a." * 100_000 + "b = 1", "a key has more than 100 parts"),
        ("[" + "a . " * 1_000 + "b]", "a key has more than 100 parts"),
        ("[data]\n" + "".join(f"p{n} = {n}\n" for n in range(1_001)), "1001 entries were given, and at most 1000 are read"),
        ("[[claim]]\n" * 20_000, "20000 entries were given"),
        ("given = [" + '"1 = 1",' * 20_000 + "]\n", "20000 entries were given"),
        ("[[claim]]\nid = 'a'\ngiven = [" + '"1 = 1",' * 20_000 + "]\n", "given has 20000 entries"),
        ("[data]\np = [" + "1, " * 100_001 + "]\n", "these are 100001 numbers, and at most 100000 are read"),
        ("[data]\np = '" + "1" * 100_000 + "a'\n", "is neither a declared size nor one of"),
        *(
            (f'[sizes]\nN = 1000\n[parameters]\nu = "{shape}"\n[start]\nu = 1\n', f"these are {count} numbers, and at most 100000 are read")
            for shape, count in (("N x N", 10**6), ("N x N x N x N x N", 10**15), ("999999 x 999999", 999_999**2))
        ),
        *(
            (f'[parameters]\nu = "scalar"\n[[claim]]\nid = "a"\nidentity = "{number} = u"\n', told)
            for number, told in (
                ("exp(exp(10**50)) + log(10**59)", "exp is given a number beyond 10000"),
                ("sin(exp(1000)) + 1", "sin is given a number beyond 10000"),
                ("2**exp(50) + 1", "the exponent is too large"),
                ("1/(1 + " * 95 + "u" + ")" * 95, "fractions and powers are nested deeper than 12"),
                ("(1 + " * 80 + "u" + ")**(-1)" * 80, "fractions and powers are nested deeper than 12"),
            )
        ),
        *(
            (f'[parameters]\nu = "scalar"\n[model]\nloss = "{before * deep}u{after * deep}"\n', told)
            for before, after, deep, told in (
                ("1/(u + ", ")", 10, "more than 1000 terms when it is multiplied out"),
                ("1/(1 + ", ")", 8, "more than 1000 terms when it is multiplied out"),
                ("sin(u*", ")", 20, "too deep to be derived"),
                ("sin(u*", ")", 30, "more than 20000 parts"),
                ("sqrt(1 + u*", ")", 20, "too deep to be derived"),
            )
        ),
        ("[constants]\nκ = 3\n", "at line 2, column 1); names are written in the letters a to z, as kappa for κ"),
        ("[constants]\n名 = 3\n", "names are written in the letters a to z"),
        ("[constants]\nkappa = three\n", "strings stand in double quotes"),
        ("[constants", "strings stand in double quotes"),
        (
            '[sizes]\nN = 3\n[parameters]\nu = "N"\nr = "scalar"\n[model]\nloss = "(r + sum(i, u[i]))**30"\n',
            "more than 1000 terms when it is multiplied out",
        ),
    ],
)
def test_other_files_that_are_refused(text: str, told: str) -> None:
    if told == "claims, parameters":
        assert read_text(text).statements == ()
        return
    with pytest.raises(TheoryFileError) as caught:
        read_text(text)
    assert told in str(caught.value)
    assert "fault of the reader" not in str(caught.value)


def test_paths_that_are_refused(tmp_path: Path) -> None:
    (tmp_path / "theory.toml").write_text(BASE)
    (tmp_path / "bytes.toml").write_bytes(b"title = '\xff\xfe'")
    (tmp_path / "large.toml").write_bytes(b"#" * 1_000_001)
    for path, told in [
        (tmp_path / "theori.toml", "did you mean theory.toml?"),
        (tmp_path / "no" / "where.toml", "there is no such file"),
        (tmp_path, "this is a directory"),
        (tmp_path / "bytes.toml", "not UTF-8: byte 9"),
        (tmp_path / "large.toml", "larger than 1000000 bytes"),
    ]:
        with pytest.raises(TheoryFileError) as caught:
            read(path)
        assert told in str(caught.value)


def test_the_line_is_named() -> None:
    with pytest.raises(TheoryFileError) as caught:
        read_text(changed("x[i] = (r*u[i])**2", "x[i] = (r*w[i])**2"), "mine.toml")
    assert "mine.toml, [model] predictor (line 17): the name w is not declared" in str(caught.value)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_no_damage_to_a_file_does_anything_but_refuse(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(BASE) - 1))
    length = data.draw(st.integers(0, 12))
    put = data.draw(st.text(alphabet='abruxNM019[](){}"=,.*/+- \n', max_size=6))
    with contextlib.suppress(TheoryFileError):
        read_text(BASE[:at] + put + BASE[at + length :])


# ---- the schema ------------------------------------------------------------------------------------------------------------------------------

SCHEMA = json.loads((Path(theory.files.__file__).parent / "schema.json").read_text())


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(tomllib.loads(BASE), SCHEMA)


def test_the_schema_knows_the_tables_the_reader_knows() -> None:
    from theory.files.tables import TABLES, TEXTS

    assert set(SCHEMA["properties"]) == {*TABLES, *TEXTS, "given"}
    for table, keys in TABLES.items():
        if keys is not None:
            found = SCHEMA["properties"][table]
            assert set(found.get("items", found)["properties"]) == set(keys)


@pytest.mark.parametrize("text", ["x = 1", "sizes = 3", "[sizes]\nN = 0", "[[claim]]\nid = 3", '[[claim]]\nid = "a"', "[run]\nT = 1\ntimes = [1]"])
def test_the_schema_refuses_what_the_reader_refuses(text: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads(text), SCHEMA)
    with pytest.raises(TheoryFileError):
        read_text(text)


@pytest.mark.parametrize("form", ["1/(1 + {})", "sqrt(1 + {})", "exp(-{})"])
def test_depth_is_counted_through_definitions(form: str) -> None:
    """SymPy's work on each level is that on all below it: sixty took half a minute."""

    def file(deep: int) -> str:
        chain = "\n".join(f'f{n + 1} = "{form.format(f"f{n}")}"' for n in range(deep))
        return f'[parameters]\nu = "positive scalar"\n[model]\npredictor = "x = u"\nloss = "any"\n[definitions]\nf0 = "u"\n{chain}\n'

    read_text(file(15))
    with pytest.raises(TheoryFileError, match="more than 20000 parts"):
        read_text(file(60))

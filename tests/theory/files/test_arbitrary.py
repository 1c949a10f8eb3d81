"""The table [arbitrary]: names of which nothing is known become cotangents, and a quantity may not depend on them."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

import theory.files
from proofs_check.exact import all_sizes, at_instance, verdict
from theory.files import TheoryFileError, read_text
from theory.symbols import Variable, size

SCHEMA = json.loads((Path(theory.files.__file__).parent / "schema.json").read_text())
BASE = """
[sizes]
N = 2
H = 3
K = 2
[arbitrary]
p = "N"
a = "H, nonnegative"
c = "scalar"
[parameters]
W = "H x N"
V = "K x H"
[definitions]
"h[i]" = "a[i]*sum(j, W[i,j]*p[j])"
[model]
predictor = "x[k] = sum(i, V[k,i]*h[i])"
loss = "any"
[flow]
rates = { W = "c**2", V = "c**2" }
"""
NEURON = '[[claim]]\nid = "neuron"\nconserved = "sum(k, V[k,i]**2) - sum(j, W[i,j]**2)"\n'


def claim(text: str) -> str:
    return f'[[claim]]\nid = "q"\n{text}\n'


def test_arbitrary_names_are_cotangents() -> None:
    setting = read_text(BASE).setting
    assert setting["p"] == Variable("p", (size("N"),), "cotangent")
    assert setting["a"] == Variable("a", (size("H"),), "cotangent", "nonnegative")
    assert setting["c"] == Variable("c", (), "cotangent")
    assert setting.flow is not None
    assert setting.flow.held == ("G",)


def test_the_schema_knows_the_table() -> None:
    jsonschema.validate(tomllib.loads(BASE), SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads(BASE.replace('p = "N"', "p = [1, 2]")), SCHEMA)


def test_a_size_of_something_arbitrary_alone_is_a_length() -> None:
    text = BASE.replace('predictor = "x[k] = sum(i, V[k,i]*h[i])"', 'predictor = "x[k] = sum(i, V[k,i]*h[i])*norm2(s)/S"')
    setting = read_text(text.replace("K = 2", "K = 2\nS = 4").replace('p = "N"', 'p = "N"\ns = "S"')).setting
    assert size("S") in setting.sizes


def test_a_symmetric_arbitrary_matrix() -> None:
    text = '[sizes]\nN = 2\n[arbitrary]\nB = "N x N, skew"\n[parameters]\nu = "N"\n[flow]\nfield = { "u[i]" = "sum(j, B[i,j]*u[j])" }\n'
    part = read_text(text + claim('conserved = "norm2(u)"')).statements[0].parts[0]
    assert all_sizes(part).outcome == "proved"
    other = read_text(text.replace("skew", "symmetric") + claim('conserved = "norm2(u)"')).statements[0].parts[0]
    assert verdict(other).outcome == "refuted"


@pytest.mark.parametrize(
    "text",
    [
        NEURON,
        claim('quantity = "V[k,i]"\nrate = "-c**2*G[k]*h[i]"'),
        claim('identity = "h[i]**2 = a[i]*h[i]*sum(j, W[i,j]*p[j])"'),
    ],
)
def test_the_kernel_takes_cotangents_besides_the_gradient(text: str) -> None:
    part = read_text(BASE + text).statements[0].parts[0]
    assert all_sizes(part).outcome == "proved"
    assert at_instance(part, part.setting.instances[0]).outcome == "proved"


@pytest.mark.parametrize(
    "text",
    [
        claim('conserved = "sum(k, V[k,i]**2) + sum(j, W[i,j]**2)"'),
        claim('conserved = "sum(k, V[k,i]*V[k,l]) - sum(j, W[i,j]*W[l,j])"'),
        claim('quantity = "V[k,i]"\nrate = "-c*G[k]*h[i]"'),
        claim('identity = "h[i]**2 = h[i]*sum(j, W[i,j]*p[j])"'),
    ],
)
def test_near_misses_are_refuted(text: str) -> None:
    part = read_text(BASE + text).statements[0].parts[0]
    assert all_sizes(part).outcome != "proved"
    assert verdict(part).outcome == "refuted"


def test_rates_that_differ_break_the_law() -> None:
    part = read_text(BASE.replace('V = "c**2"', 'V = "2*c**2"') + NEURON).statements[0].parts[0]
    assert verdict(part).outcome == "refuted"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('p = "N"', "p = 3", "what is arbitrary has no value, and 3 was given"),
        ('p = "N"', 'p = "3/2"', "what is arbitrary has no value, and '3/2' was given"),
        ('p = "N"', 'p = { shape = "N", value = [1, 2] }', "what is arbitrary has no value"),
        ('p = "N"', 'p = "N, sphere"', "sphere is neither a declared size nor one of"),
        ('p = "N"', 'p = "N"\nW = "N"', "the name W is declared twice, here and in [arbitrary]"),
        ("[arbitrary]", "[arbitary]", "did you mean arbitrary?"),
        ('loss = "any"', 'loss = "any(p)"', "p is not data, and a loss word takes data"),
    ],
)
def test_declarations_that_are_refused(old: str, new: str, told: str) -> None:
    assert BASE.count(old) == 1
    with pytest.raises(TheoryFileError) as caught:
        read_text(BASE.replace(old, new))
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (claim('conserved = "p[0]*V[0,0]"'), "[[claim]] q, conserved (line 22): the quantity depends on p, and nothing is known of how"),
        (claim('conserved = "h[i]"'), "the quantity depends on p, a, and nothing"),
        (claim('quantity = "x[k]"\nrate = "0"'), "[[claim]] q, quantity: the quantity depends on p, a, and nothing"),
        (claim('conserved = "b*V[0,0]"\nwhere = { b = "real" }\ngiven = ["b = c"]'), "c moves along the flow, and a hypothesis is about constants"),
        (claim('conserved = "norm2(z)"\nwhere = { z = "kernel(p)" }'), "p is not data"),
        ("[start]\nW = 1\nV = 1\n[run]\nT = 1\n", "a run was asked for, and there are no values for p, a, c in [arbitrary]"),
        ("[start]\np = 1\n", "p is not a parameter"),
    ],
)
def test_uses_that_are_refused(text: str, told: str) -> None:
    with pytest.raises(TheoryFileError) as caught:
        read_text(BASE + text)
    assert told in str(caught.value)

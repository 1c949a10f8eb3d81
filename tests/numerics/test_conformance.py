"""Every printer, on every setting, against the recursive evaluator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp

from numerics import EMITTERS, compile, evaluate, program, source
from numerics.exact import entries, shape
from numerics.problem import size_value
from theory.settings import Setting

DIGITS = 40


@contextmanager
def precision(digits: int | None) -> Iterator[None]:
    with mp.workdps(DIGITS + 10 if digits is None else digits):
        yield


def emitted(setting: Setting, target: str, values: dict[str, Any], time: Fraction) -> list[Any]:
    """The velocities by a printer, as nested tuples."""
    emitter, needed = EMITTERS[target], program(setting)
    with precision(emitter.digits):
        given_ = {name: emitter.values(value) for name, value in values.items()}
        blocks = [given_[block.name] for block in needed.parameters]
        found = compile(source(setting, target))(emitter.values(time), *blocks, **{v.name: given_[v.name] for v in needed.inputs})
    return [block.tolist() if isinstance(block, np.ndarray) else block for block in found]


def expected(setting: Setting, values: dict[str, Any], sizes: dict[str, int], time: Fraction) -> list[Any]:
    """The velocities by recursion, entry by entry."""
    needed = program(setting)
    found = []
    for step in needed.velocities:
        lengths = tuple(size_value(length, sizes) for length in step.shape)
        block = {}
        for place in np.ndindex(*lengths):
            block[place] = evaluate(step.family.at(place), setting, sizes, values | {needed.time_name: time}, digits=DIGITS)
        found.append(block)
    return found


def check(setting: Setting, target: str, values: dict[str, Any], sizes: dict[str, int], time: Fraction) -> None:
    digits = EMITTERS[target].digits or DIGITS
    for mine, theirs, step in zip(
        emitted(setting, target, values, time), expected(setting, values, sizes, time), program(setting).velocities, strict=True
    ):
        assert shape(mine) == tuple(size_value(length, sizes) for length in step.shape)
        with mp.workdps(DIGITS):
            scale = 1 + max(abs(value) for value in theirs.values())
            for place, value in entries(mine):
                assert abs(value - theirs[place]) <= scale * mp.mpf(10) ** (4 - digits), (target, step.name, place)


@pytest.mark.parametrize("target", EMITTERS)
def test_printers_agree_with_the_evaluator(
    setting: Setting, target: str, some_values: Callable[..., dict[str, Any]], different_sizes: dict[str, int]
) -> None:
    check(setting, target, some_values(setting, seed=1, sizes=different_sizes), different_sizes, Fraction(1, 3))


@pytest.mark.parametrize("target", EMITTERS)
def test_printers_agree_at_size_one(
    setting: Setting, target: str, some_values: Callable[..., dict[str, Any]], different_sizes: dict[str, int]
) -> None:
    ones = dict.fromkeys(different_sizes, 1)
    check(setting, target, some_values(setting, seed=3, sizes=ones), ones, Fraction(0))


@pytest.mark.parametrize("target", EMITTERS)
@settings(max_examples=10, deadline=None, derandomize=True)
@given(data=st.data())
def test_printers_agree_on_any_rational_data(setting: Setting, target: str, data: st.DataObject, draw_values: Callable[..., dict[str, Any]]) -> None:
    sizes = {name: data.draw(st.integers(1, 3), label=name) for name in ("N", "M", "a", "b", "c", "d")}
    values = draw_values(program(setting), sizes, lambda low, high: data.draw(st.fractions(min_value=low, max_value=high, max_denominator=12)))
    check(setting, target, values, sizes, Fraction(1, 2))


def test_a_wrong_velocity_would_be_seen(
    settings_by_name: Callable[[str], Setting], some_values: Callable[..., dict[str, Any]], different_sizes: dict[str, int]
) -> None:
    setting = settings_by_name("polar")
    values = some_values(setting, seed=1, sizes=different_sizes)
    wrong = values | {"eta_u": values["eta_u"] + Fraction(1, 10**6)}
    mine, theirs = emitted(setting, "numpy", wrong, Fraction(0)), expected(setting, values, different_sizes, Fraction(0))
    assert max(abs(value - theirs[1][place]) for place, value in entries(mine[1])) > 1e-8

"""Whole problems to integrate: data, a start and times, all exact."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from hypothesis import strategies as st

from numerics import Problem, problem
from numerics.exact import Exact
from numerics.program import program
from theory.settings import Setting, Values

from .assignments import assignments
from .errors import Impossible
from .points import LARGEST_SIZE
from .rationals import rationals


def problems(
    setting: Setting,
    *,
    sizes: Mapping[str, int] | None = None,
    values: Mapping[str, Values] | None = None,
    times: int = 1,
    largest: int = LARGEST_SIZE,
) -> st.SearchStrategy[Problem]:
    """Let a setting have a flow that can be computed: a `numerics.Problem` with data and a start that meet every sign, sphere and hypothesis.

    It has as many times as are asked for, after 0. Sizes and values that are not given are drawn.

    Raises `Impossible` for a setting without a flow, or whose velocity depends on an unknown function of time, such as the gradient of `any` loss.
    """
    if setting.flow is None:
        raise Impossible("the setting has no flow, and a problem is one to be integrated; give a setting with a model and a loss, or with a field")
    unknown = [variable.name for variable in program(setting).inputs if variable.role == "cotangent"]
    if unknown:
        raise Impossible(
            f"the velocity depends on {', '.join(unknown)}, an unknown function of time, so that no problem can be stated; choose a loss with a value"
        )
    if times < 1:
        raise Impossible(f"{times} times were asked for; at least one after 0 is wanted")
    return _problem(setting, assignments(setting, sizes=sizes, values=values, largest=largest), times)


@st.composite
def _problem(draw: st.DrawFn, setting: Setting, assigned: st.SearchStrategy[tuple[dict[str, int], dict[str, Exact]]], count: int) -> Problem:
    sizes, values = draw(assigned)
    times = [Fraction(0)]
    for _ in range(count):
        times.append(times[-1] + draw(rationals("positive")))
    needed = program(setting)
    constants = {variable.name for variable in setting.variables if variable.role == "constant"}
    return problem(
        setting,
        data={name: value for name, value in values.items() if name in constants},
        start={block.name: values[block.name] for block in needed.parameters},
        times=times,
        sizes={length.name: sizes[length.name] for length in needed.sizes},
    )

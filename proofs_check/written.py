"""What several kinds of certificates hold, in the form they have there: exact numbers, a flow alone, the numbers of a problem."""

from __future__ import annotations

from typing import Any

from numerics.problem import Problem
from theory.settings import Setting
from theory.trees import setting_tree


def plain(value: Any) -> Any:
    """Exact numbers as strings, tensors of them as nested lists."""
    return [plain(entry) for entry in value] if isinstance(value, tuple | list) else str(value)


def flow_alone(setting: Setting) -> dict[str, Any]:
    """The statement that claims 0 = 0: the certificate says what is established of its flow."""
    return {**setting_tree(setting), "claim": {"kind": "equal", "indices": [], "left": 0, "right": 0}}


def numbers(problem: Problem) -> dict[str, Any]:
    """The `sizes`, the `values` of constants and the `start` of a problem."""
    setting = problem.setting
    return {
        "sizes": {size.name: problem.sizes[size.name] for size in setting.sizes},
        "values": {v.name: plain(problem.data[v.name]) for v in setting.variables if v.role == "constant" and v.name in problem.data},
        "start": {name: plain(value) for name, value in problem.start.items()},
    }

"""Laws for every data matrix: found with the identity in its place, proved for all sizes."""

from __future__ import annotations

import numpy as np
import pytest

from discovery.family import every_loss
from discovery.general.channels import channel_laws
from discovery.general.laws import GeneralLaw
from proofs_check.exact import all_sizes, counterexample
from proofs_check.kernel import check
from theory.files import read_text
from theory.settings import Instance, Setting
from theory.statements import Evolves, Part

MODELS = {
    "w[i]**2": "Sum(log(w[i])*z[i], (i, 0, N - 1))",
    "w[i]**4": "Sum(z[i]/w[i]**2, (i, 0, N - 1))",
    "(3*w[i] + 2)**4": "Sum(z[i]/(3*w[i] + 2)**2, (i, 0, N - 1))",
    "u[i]*v[i]": "Sum(log(u[i] + v[i])*z[i], (i, 0, N - 1))",
    "(u[i] + 2*v[i])*(2*u[i] - v[i] + 1)": "Sum(log(3*u[i] + v[i] + 1)*z[i], (i, 0, N - 1))",
    "u[i]**2 - 4*v[i]**2 + u[i]": "Sum(log(v[i])*z[i], (i, 0, N - 1))",
}


def setting(predictor: str, loss: str = "any(A)", flow: str = "") -> Setting:
    blocks = {"w": "N, positive", "u": "N, positive", "v": "N, positive", "r": "positive scalar"}
    parameters = "\n".join(f'{name} = "{shape}"' for name, shape in blocks.items() if name in predictor)
    head = f'[sizes]\nN = 4\nM = 2\n[data]\nA = "M x N"\n[parameters]\n{parameters}\n'
    return every_loss(read_text(f'{head}[model]\npredictor = "x[i] = {predictor}"\nloss = "{loss}"\n{flow}').setting)


def laws(of: Setting, known: list[GeneralLaw] | None = None) -> list[GeneralLaw]:
    told: list[str] = []
    found = list(channel_laws(of, known or [], random=np.random.default_rng(0), report=told.append))
    assert told == []
    return found


@pytest.mark.parametrize("predictor", MODELS)
def test_the_law_is_found_and_proved_for_all_sizes(predictor: str) -> None:
    (law,) = laws(setting(predictor))
    assert str(law.quantity.value) == MODELS[predictor]
    assert law.finding.outcome == "proved"
    assert law.finding.certificate is not None
    assert check(law.finding.certificate)


def test_scalars_take_part() -> None:
    text = '[sizes]\nN = 4\nM = 2\n[data]\nA = "M x N"\n[parameters]\nr = "positive scalar"\nu = "N, positive, sphere"\n'
    of = every_loss(read_text(text + '[model]\npredictor = "x[i] = (r*u[i])**2"\nloss = "any(A)"\n[flow]\nrates = { r = "3/2", u = 1 }\n').setting)
    (law,) = laws(of)
    assert str(law.quantity.value) == "Sum((r**2 + 3*log(u[i]))*z[i], (i, 0, N - 1))"


def test_mirror_flows() -> None:
    (law,) = laws(setting("w[i]", flow='[flow]\nrates = { w = "w[i]*(2 - 3*w[i])" }\n'))
    assert str(law.quantity.value) == "Sum((-log(Abs(3*w[i] - 2)) + log(w[i]))*z[i], (i, 0, N - 1))"


def test_what_is_known_is_not_found_again() -> None:
    of = setting("u[i]*v[i]")
    (law,) = laws(of)
    assert laws(of, [law]) == []


def test_nothing_is_found_without_data() -> None:
    assert laws(setting("u[i]*v[i]", loss="any")) == []


def test_nothing_is_found_where_entries_mix() -> None:
    assert laws(setting("w[i]**2 + sum(j, w[j]**3)")) == []


def test_without_the_kernel_of_the_data_there_is_no_law() -> None:
    """The mutant drops the hypothesis A z = 0: the kernel does not prove it, and a rational point refutes it."""
    of = setting("u[i]*v[i]")
    (law,) = laws(of)
    (z,) = (variable for variable in law.setting.variables if variable not in of.variables)
    part = Part(of.having(z), Evolves(law.quantity.value))
    assert all_sizes(part).outcome == "unknown"
    assert counterexample(part, Instance({"N": 3, "M": 2})).outcome == "refuted"

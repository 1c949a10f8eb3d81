"""Simulations of theory files and papers: numbers against right sides written by hand, files read again, pictures, and what is refused."""

from __future__ import annotations

import csv
import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mpmath import mp
from pyarrow import parquet
from rich.console import Console
from scipy.integrate import solve_ivp

import polarflow
from numerics import InvalidProblem
from polarflow.runs import NoRun, parsed
from polarflow.simulate import SCHEMA, Simulation, shown, simulate
from theory.files import read_text

ROOT = Path(__file__).resolve().parents[2]
POLAR = ROOT / "examples" / "polar_diagonal.toml"
A, Y = np.array([[1, 0, 1, 0.5], [0, 1, 1 / 3, 1]]), np.array([1.0, 2])


def by_hand(times: Any, kappa: float = 2, start: Any = (1, 0.5, 0.5, 0.5, 0.5)) -> Any:
    """The flow of examples/polar_diagonal.toml: r, then u, a row for each time."""

    def velocity(_: float, state: Any) -> Any:
        r, u = state[0], state[1:]
        G = A.T @ (A @ (r * u) ** 2 - Y)
        radial = G @ u**2
        return np.concatenate([[-2 * r * radial], -2 * kappa * r**2 * (G * u - u * radial)])

    return solve_ivp(velocity, (0, times[-1]), start, method="DOP853", rtol=1e-13, atol=1e-15, max_step=0.02, t_eval=times).y.T


@pytest.fixture(scope="module")
def found() -> Simulation:
    return simulate(POLAR, points=40)


def test_the_numbers_are_those_of_the_flow(found: Simulation) -> None:
    assert found.times.tolist() == pytest.approx(np.linspace(0, 4, 41))
    assert [found.times[n] for n in found.asked] == [0, 1, 4]
    wanted = by_hand(found.times)
    assert np.allclose(found["r"], wanted[:, 0], rtol=1e-9)
    assert np.allclose(found["u"], wanted[:, 1:], rtol=1e-9)
    residuals = (wanted[:, :1] * wanted[:, 1:]) ** 2 @ A.T - Y
    assert found.loss is not None
    assert np.allclose(found.loss, (residuals**2).sum(axis=1) / 2, rtol=1e-6, atol=1e-20)


def test_what_is_claimed_is_watched(found: Simulation) -> None:
    assert [(one.found.quantity.label, one.claimed, one.found.verdict) for one in found.seen] == [
        ("norm", "stays", "stays"),
        ("log-law", "stays", "stays"),
        ("sign-flipped", "moves", "moves"),
        ("not-in-the-kernel", "moves", "moves"),
    ]
    assert found.agrees
    assert [one.found.values.shape[1] for one in found.seen] == [1, 2, 2, 4]
    wanted = by_hand(found.times)
    kernel = np.linalg.svd(A)[2][2:]
    values = np.log(wanted[:, 1:]) + wanted[:, :1] ** 2
    assert np.allclose(kernel @ (values - values[0]).T, 0, atol=1e-9)
    assert np.abs(found.seen[3].found.departures).max() == pytest.approx(np.abs(values - values[0]).max(), rel=1e-9)


def test_a_false_claim_does_not_agree() -> None:
    text = POLAR.read_text(encoding="utf-8").replace('expect = "refuted"', "")
    wrong = simulate(read_text(text), points=10)
    assert [one.agrees for one in wrong.seen] == [True, True, False, False]
    assert not wrong.agrees
    assert "moves !" in printed(wrong)


def test_numbers_can_be_set() -> None:
    put, until = parsed(["kappa=1/2", 'u=[0.1,"1/10",0.7,0.7]', "r=1.5", "T=2"])
    assert (put, until) == ({"kappa": "1/2", "u": ["0.1", "1/10", "0.7", "0.7"], "r": "1.5"}, "2")
    other = simulate(POLAR, put=put, until=until, points=4)
    wanted = by_hand(np.linspace(0, 2, 5), 0.5, (1.5, 0.1, 0.1, 0.7, 0.7))
    assert np.allclose(other["u"], wanted[:, 1:], rtol=1e-9)
    assert other.trajectory.times == (0, Fraction(1, 2), 1, Fraction(3, 2), 2)


def test_many_digits(found: Simulation) -> None:
    sharp = simulate(POLAR, digits=30, until=1, points=2)
    assert [one.found.verdict for one in sharp.seen] == ["stays", "stays", "moves", "moves"]
    assert 0 <= sharp.seen[1].found.drift < 1e-26
    at_one = found.asked[1]
    with mp.workdps(30):
        assert abs(sharp["r"][-1] - mp.mpf(float(found["r"][at_one]))) < 1e-10
    assert len(sharp.as_json()["blocks"]["r"][-1]) > 25


def test_a_paper_has_experiments() -> None:
    shipped = simulate("chou_rauhut_ward/I2", points=8)
    assert shipped.agrees
    assert {one.claimed for one in shipped.seen} == {"stays", "moves"}
    assert float(shipped["r"][shipped.asked[1]]) == pytest.approx(1.903592664600684960442, rel=1e-11)  # integrated elsewhere at 60 digits


LAYERS = """
[sizes]
N = 2
[parameters]
u = "N"
v = "N"
[data]
y = { shape = "N", value = [1, -2] }
[model]
predictor = "x[i] = u[i]*v[i]"
loss = "square(y)"
[[claim]]
id = "balance"
conserved = "u[i]**2 - v[i]**2"
[start]
u = [1, "1/2"]
v = ["1/3", 1]
"""


def test_a_free_index_is_watched_entry_by_entry() -> None:
    layers = simulate(read_text(LAYERS), until=3, points=5)
    (balance,) = layers.seen
    assert np.allclose(balance.found.values, [[1 - 1 / 9, 1 / 4 - 1]] * 6, rtol=1e-10)


def test_laws_can_be_found() -> None:
    claims = LAYERS.replace('[[claim]]\nid = "balance"\nconserved = "u[i]**2 - v[i]**2"\n', "")
    bare = simulate(read_text(claims), until=1, points=5)
    assert bare.seen == ()
    laws = simulate(read_text(claims), until=1, points=5, discover=True)
    assert laws.seen
    assert all(one.claimed == one.found.verdict == "stays" for one in laws.seen)


def printed(simulation: Simulation) -> str:
    console = Console(width=120, no_color=True)
    with console.capture() as capture:
        console.print(shown(simulation))
    return capture.get()


def test_the_terminal(found: Simulation) -> None:
    text = printed(found)
    assert re.search(r"1 +2\.95\d+e-07 +1\.51975590", text)
    assert re.search(r"log-law +stays +stays +\d\.\d\de-1\d +\d\.\d\de-1\d", text)
    assert "M=2 N=4, DOP853, 15 digits, to t = 4" in text


def test_files_can_be_read_again(found: Simulation, tmp_path: Path) -> None:
    for ending in ("csv", "parquet", "json"):
        found.write(tmp_path / f"run.{ending}")
    names = ["t", "r", "u[0]", "u[1]", "u[2]", "u[3]", "loss", "norm", "log-law#0", "log-law#1", "sign-flipped#0"]
    with (tmp_path / "run.csv").open(encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    assert head[:11] == names
    assert [float(row[4]) for row in rows] == found["u"][:, 2].tolist()
    table = parquet.read_table(tmp_path / "run.parquet")
    assert table.column_names[:11] == names
    assert table["u[2]"].to_pylist() == found["u"][:, 2].tolist()
    told = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert told["schema"] == SCHEMA
    assert told["asked"] == ["0", "1", "4"]
    assert told["blocks"]["u"][3] == found["u"][3].tolist()
    assert told["quantities"][1]["label"] == "log-law"
    assert told["quantities"][1]["agrees"] is True


def test_a_notebook_shows_tables(found: Simulation) -> None:
    text = found._repr_html_()
    assert text.count("<table>") == 2
    assert "<td>log-law</td><td>stays</td><td>stays</td>" in text
    assert "<b>Weight-normalised diagonal linear network</b>" in text


@pytest.mark.parametrize(("ending", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_pictures(found: Simulation, ending: str, magic: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"run.{ending}"
    found.plot(path)
    content = path.read_bytes()
    assert content.startswith(magic)
    if ending == "svg":
        assert content.count(b'<g id="axes_') == 7  # r, u, loss and four drifts
        found.plot(path)
        assert path.read_bytes() == content


def test_the_picture_of_a_false_claim_says_so(tmp_path: Path) -> None:
    from matplotlib import rc_context

    text = POLAR.read_text(encoding="utf-8").replace('expect = "refuted"', "")
    with rc_context({"svg.fonttype": "none"}):
        simulate(read_text(text), points=10).plot(tmp_path / "run.svg")
    assert (tmp_path / "run.svg").read_text(encoding="utf-8").count("moves, not stays") == 2


@pytest.mark.parametrize(
    ("given", "told", "message"),
    [
        ("linear_network:2,2", {}, "has no numbers to run it with"),
        ("chou_rauhut_ward/I9", {}, "has no experiment 'I9'; it has I1, I2"),
        (ROOT / "examples" / "plain_diagonal.toml", {}, "has no start"),
        (POLAR, {"put": {"kapa": 1}}, "there is no kapa to set; there are r, u, "),
        (POLAR, {"points": 0}, "0 points were asked for"),
    ],
)
def test_what_cannot_be_run_is_refused(given: Any, told: Any, message: str) -> None:
    with pytest.raises(NoRun, match=re.escape(message)):
        simulate(given, **told)


def test_numbers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InvalidProblem, match="starts off its sphere"):
        simulate(POLAR, put={"u": ["1/2", "1/2", "1/2", "1/3"]})
    with pytest.raises(InvalidProblem, match="makes N = 4"):
        simulate(POLAR, put={"N": 5})
    with pytest.raises(InvalidProblem, match="a positive number is wanted"):
        simulate(POLAR, until=-1)
    with pytest.raises(NoRun, match="says nothing of how long"):
        simulate(read_text(LAYERS))
    for word in ("kappa", "kappa=", "=3", "u=[1,"):
        with pytest.raises(NoRun, match="was given"):
            parsed([word])


def test_files_of_other_kinds_are_refused(found: Simulation, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.csv, \.parquet or \.json"):
        found.write(tmp_path / "run.txt")
    with pytest.raises(ValueError, match=r"\.png, \.svg, \.pdf"):
        found.plot(tmp_path / "run.gif")


@pytest.fixture(scope="module")
def enclosed() -> Simulation:
    return simulate(POLAR, points=8, enclose=True)


def test_how_far_the_states_are_from_the_solution_is_proved(enclosed: Simulation) -> None:
    """Of what was computed in doubles, against forty digits; and the bound is not a thousand times what is seen."""
    assert enclosed.bounds is not None
    assert enclosed.bounds.enclosure.outcome == "proved"
    assert "0 <= t <= 4 and stays" in enclosed.bounds.text
    assert len(enclosed.bounds.enclosure.certificate["laws"]) == 2  # the norm and the log-law; not what is expected to move
    exact = simulate(POLAR, points=8, digits=40)
    seen = []
    with mp.workdps(45):
        for n, radius in enumerate(enclosed.bounds.radii):
            pairs = list(zip([enclosed["r"][n], *enclosed["u"][n]], [exact["r"][n], *exact["u"][n]], strict=True))
            gap = mp.sqrt(sum((mp.mpf(float(a)) - b) ** 2 for a, b in pairs))
            widths = [enclosed.bounds.widths["r"][n, 0], *enclosed.bounds.widths["u"][n]]
            assert all(abs(mp.mpf(float(a)) - b) <= w for (a, b), w in zip(pairs, widths, strict=True))
            seen.append((gap, radius))
    assert all(gap <= radius < 1e-10 for gap, radius in seen)
    assert any(gap > radius / 1000 for gap, radius in seen)


def test_bounds_are_shown_and_written(enclosed: Simulation, tmp_path: Path) -> None:
    told = " ".join(printed(enclosed).split())
    assert "proved within" in told
    assert "proved: from the start given the solution exists" in told
    assert "proved within" in enclosed.columns()
    written = json.loads(json.dumps(enclosed.as_json()))["enclosure"]
    assert (written["outcome"], written["reached"], written["reason"]) == ("proved", "4", None)
    assert len(written["radii"]) == len(enclosed.times)
    enclosed.plot(tmp_path / "band.svg")
    assert "proved within" in re.sub(r"<!-- (.*?) -->", r"\1", (tmp_path / "band.svg").read_text())


def test_a_set_of_starts_and_of_constants() -> None:
    found = simulate(POLAR, points=4, until="1/4", digits=12, within={"kappa": Fraction(1, 1000), "r": Fraction(1, 1000)})
    assert found.bounds is not None
    assert "every start on the spheres with r within 0.001 of the one given, for all constants with kappa within 0.001" in found.bounds.text
    for change in ({"kappa": "2001/1000"}, {"kappa": "1999/1000", "r": "1001/1000"}):
        moved = simulate(POLAR, points=4, until="1/4", put=change)
        gaps = np.abs(np.column_stack([moved["r"], moved["u"]]) - np.column_stack([found["r"], found["u"]]))
        widths = np.column_stack([found.bounds.widths["r"], found.bounds.widths["u"]])
        assert (gaps <= widths).all()
        assert (gaps[1:] > widths[1:] / 20).any()


def test_what_is_not_enclosed_is_unknown(tmp_path: Path) -> None:
    """A set that is too wide to be followed: that is said, and is not what was asked for."""
    wide = simulate(POLAR, points=4, digits=10, within={"u": Fraction(1, 4)})
    assert wide.bounds is not None
    assert not wide.agrees
    assert wide.bounds.enclosure.reason in wide.bounds.words
    assert wide.bounds.words.startswith("unknown: no further than t = ")
    assert np.isnan(wide.bounds.radii).all()
    table = wide.as_json()["enclosure"]
    assert (table["outcome"], set(table["radii"])) == ("unknown", {None})
    wide.plot(tmp_path / "unknown.png")


def test_the_share_done_is_told() -> None:
    told: list[tuple[str, float | None]] = []
    simulate(POLAR, points=3, report=lambda said, share: told.append((said, share)))
    assert ("integrating", 1.0) in told
    assert told[0] == ("quantities", None)


def test_the_documentation_is_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs" / "simulate.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(blocks) == 6
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    namespace: dict[str, Any] = {"pf": polarflow}
    for block in blocks:
        exec(compile(block, "simulate.md", "exec"), namespace)

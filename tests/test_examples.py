"""The examples: what they say is true, and they run as their readers would run them."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import arviz as az
import numpy as np
import pymc as pm
import pytest
import xarray as xr
from scipy.special import expit

import bayes_point as bp
from bayes_point.model_file import importable, load_model

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(path.stem for path in EXAMPLES.glob("*.py"))


def example(name: str) -> dict[str, object]:
    """Everything that the example defines, its model under the name ``model``."""
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))


def estimates(name: str) -> tuple[bp.PointEstimate, bp.PointEstimate]:
    model = example(name)["model"]
    assert isinstance(model, pm.Model)
    return bp.find_MLE(model, progressbar=False), bp.find_MAP(model, progressbar=False)


def test_coin_flip() -> None:
    # Three heads of three: likelihood theta³, largest on the edge. Under Beta(2, 2), whose density
    # is 6 theta (1 - theta), the joint density is 6 theta⁴(1 - theta), largest at 4/5.
    mle, map_ = estimates("coin_flip")
    assert float(mle.point["theta"]) == 1.0
    assert mle.status is bp.Status.ON_BOUNDARY
    assert mle.log_likelihood == 0.0
    assert float(map_.point["theta"]) == pytest.approx(4 / 5, abs=1e-8)
    assert map_.status is bp.Status.CONVERGED
    # No better than 1e-7: PyMC keeps the constant of Beta(2, 2), log 6, in single precision.
    assert map_.log_joint == pytest.approx(np.log(6 * 0.8**4 * 0.2), abs=1e-7)


def test_normal_mean_and_sd() -> None:
    # MLE: mean 7/4 and variance ((1/4)² + (1/4)²)/2 = 1/16, the biased one.
    mle, map_ = estimates("normal_mean_and_sd")
    assert mle.status is map_.status is bp.Status.CONVERGED
    assert float(mle.point["mean"]) == pytest.approx(7 / 4, abs=1e-10)
    assert float(mle.point["variance"]) == pytest.approx(1 / 16, abs=1e-10)
    assert float(mle.point["sd"]) == pytest.approx(1 / 4, abs=1e-10)
    # MAP: the joint density is v^-(3 + 1/2 + 2/2) exp(-b/v), where b = 3 + m²/2 + sum (y - m)²/2.
    # In m it is largest where b is least: m = sum y/(2 + 1) = 7/6 and b = 49/12; then in v at
    # b/4.5 = 49/54.
    assert float(map_.point["mean"]) == pytest.approx(7 / 6, abs=1e-8)
    assert float(map_.point["variance"]) == pytest.approx(49 / 54, abs=1e-8)


def test_linear_regression() -> None:
    names = example("linear_regression")
    X, y = np.asarray(names["X"]), np.asarray(names["y"])
    mle, map_ = estimates("linear_regression")
    assert mle.status is map_.status is bp.Status.CONVERGED
    # A normal likelihood with a known sd is largest where the sum of squares is least.
    ols, *_ = np.linalg.lstsq(X, y)
    np.testing.assert_allclose(mle.point["beta"], ols, rtol=1e-8)
    # -2 log joint density = |y - Xb|²/noise² + |b|²/prior_sd² + const: ridge, with this penalty.
    penalty = float(str(names["NOISE"])) ** 2 / float(str(names["PRIOR_SD"])) ** 2
    ridge = np.linalg.solve(X.T @ X + penalty * np.eye(3), X.T @ y)
    np.testing.assert_allclose(map_.point["beta"], ridge, rtol=1e-8)
    assert list(mle.point["column"].values) == ["a", "a_again", "b"]


def logistic_data() -> tuple[np.ndarray, np.ndarray]:
    table = np.loadtxt(EXAMPLES / "data" / "challenger.csv", delimiter=",", skiprows=1)
    return table[:, 0] - 70, table[:, 1]


def test_logistic_regression() -> None:
    mle, map_ = estimates("logistic_regression")
    assert mle.status is map_.status is bp.Status.CONVERGED
    # R's glm, in agreement with Dalal, Fowlkes & Hoadley (1989): log odds 15.04290165 at 0 °F.
    slope = -0.2321627442
    assert float(mle.point["slope"]) == pytest.approx(slope, abs=1e-9)
    assert float(mle.point["intercept"]) == pytest.approx(15.04290165 + 70 * slope, abs=2e-8)
    assert float(mle.point["at_31F"]) == pytest.approx(expit(15.04290165 + 31 * slope), abs=1e-9)
    assert mle.log_likelihood == pytest.approx(-10.15759634, abs=1e-8)
    # The log joint density is strictly concave, so a point where its gradient, written out here,
    # is 0 is the only maximum: sum (y - p) x - b/sd² for each coefficient.
    degrees, damage = logistic_data()
    a, b = float(map_.point["intercept"]), float(map_.point["slope"])
    off = damage - expit(a + b * degrees)
    gradient = [off.sum() - a / 5**2, (off * degrees).sum() - b / 0.5**2]
    np.testing.assert_allclose(gradient, 0, atol=1e-10)


def test_bessel_correction() -> None:
    # The posterior is conjugate: with sum y = 20 and sum y² = 130 of four, b = 18 + (130 - 20²/5)/2
    # = 43, and the joint density v^-(3 + 1 + 1/2 + 4/2) exp(-43/v) is largest at 43/6.5.
    mle, map_ = estimates("bessel_correction")
    assert float(mle.point["variance"]) == pytest.approx(130 / 4 - 25, abs=1e-10)
    assert float(map_.point["variance"]) == pytest.approx(86 / 13, abs=1e-8)
    study_of = example("bessel_correction")["study_of"]
    assert callable(study_of)
    found = study_of(4).sel(estimator="MLE", parameter="variance")
    assert found.sizes["dataset"] == 10_000
    # 4 MLE/9 is chi-squared with 3 degrees of freedom.
    assert abs(found["bias"] + 9 / 4) < 4 * found["bias_mcse"]
    assert float(found["bias_mcse"]) == pytest.approx(9 / 4 * np.sqrt(6 / 10_000), rel=0.1)
    corrected = 4 / 3 * found["estimate"]
    assert abs(corrected.mean() - 9) < 4 / 3 * 4 * found["bias_mcse"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_is_short_and_holds_one_model(name: str) -> None:
    path = EXAMPLES / f"{name}.py"
    assert len(path.read_text().splitlines()) < 40
    assert f"def test_{name}(" in Path(__file__).read_text()
    with importable(EXAMPLES):
        assert load_model(path, None)[0] == "model"


def posterior_means(name: str) -> dict[str, np.ndarray | float]:
    """Exact posterior means of some parameters of an example."""
    if name == "coin_flip":
        return {"theta": 5 / 7}  # the posterior is Beta(2 + 3, 2)
    if name == "normal_mean_and_sd":
        # variance ~ InverseGamma(2 + 2/2, b) with b = 49/12 as in the MAP above; the mean of an
        # InverseGamma(a, b) is b/(a - 1). The mean's own posterior is symmetric around 7/6.
        return {"variance": 49 / 24, "mean": 7 / 6}
    if name == "bessel_correction":
        # variance ~ InverseGamma(3 + 4/2, 43), as above; the mean's posterior is around 20/5.
        return {"variance": 43 / 4, "mean": 4}
    if name == "linear_regression":
        # The posterior is normal, so its mean is its mode.
        names = example(name)
        X, y = np.asarray(names["X"]), np.asarray(names["y"])
        return {"beta": np.linalg.solve(X.T @ X + 4 * np.eye(3), X.T @ y)}
    assert name == "logistic_regression"
    # On a grid that covers all but some 1e-12 of the posterior; sums over a smooth density that
    # vanishes at the ends are as good as exact.
    degrees, damage = logistic_data()
    a, b = np.meshgrid(np.linspace(-9, 5, 400), np.linspace(-1.9, 0.8, 400), indexing="ij")
    log_odds = a[..., None] + b[..., None] * degrees
    log_joint = (damage * log_odds - np.logaddexp(0, log_odds)).sum(-1)
    log_joint += -(a**2) / (2 * 5**2) - b**2 / (2 * 0.5**2)
    weight = np.exp(log_joint - log_joint.max())
    weight /= weight.sum()
    edge = np.concatenate([weight[0], weight[-1], weight[:, 0], weight[:, -1]])
    assert edge.max() < 1e-9 * weight.max()
    return {
        "intercept": (weight * a).sum(),
        "slope": (weight * b).sum(),
        "at_31F": (weight * expit(a + b * (31 - 70))).sum(),
    }


def report(name: str, tmp_path: Path, *options: str) -> tuple[str, xr.DataTree]:
    """What `bayes-point report` prints on an example, run in `tmp_path`, and the fit it saves."""
    command = [str(Path(sys.executable).with_name("bayes-point")), "report"]
    command += [str(EXAMPLES / f"{name}.py"), "--seed", "1", "--save", "fit.nc", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    page = (tmp_path / f"{name}.html").read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert page.rstrip().endswith("</html>")
    with xr.open_datatree(tmp_path / "fit.nc", engine="h5netcdf") as tree:
        return done.stdout, tree.load()


def assert_means(tree: xr.DataTree, name: str) -> None:
    """The draws agree with the exact means to four of their Monte Carlo standard errors."""
    posterior = tree["posterior"].dataset
    for variable, exact in posterior_means(name).items():
        mcse = az.mcse(posterior[[variable]])[variable]
        off = np.abs(posterior[variable].mean(("chain", "draw")) - exact)
        assert (off <= 4 * mcse).all(), (variable, off, mcse)


def test_the_command_on_the_coin(tmp_path: Path) -> None:
    printed, tree = report("coin_flip", tmp_path, "--draws", "200", "--tune", "300")
    # Below the verdict, as long as it is, and the heads of the columns.
    assert ["theta", "1.000*", "0.800"] in [line.split()[:3] for line in printed.splitlines()]
    assert printed.splitlines()[-1] == "coin_flip.html"
    assert tree["posterior"].sizes["draw"] == 200
    assert_means(tree, "coin_flip")


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_the_command_on_all(name: str, tmp_path: Path) -> None:
    printed, tree = report(name, tmp_path)
    assert "gap_MAP" in printed.splitlines()[2]
    assert_means(tree, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_all_run_as_scripts(name: str, tmp_path: Path) -> None:
    script = str(EXAMPLES / f"{name}.py")
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert "gap_MAP" in done.stdout
    assert (tmp_path / f"{name}.html").read_text().rstrip().endswith("</html>")

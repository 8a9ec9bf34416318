"""Lazy refits: the same numbers on every scheduler, and a worker that dies on the way."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import dask
import numpy as np
import pymc as pm
import pytest
import xarray as xr

import bayes_point as bp
from bayes_point.errors import ModelError
from bayes_point.estimation.refit import dask as lazy
from bayes_point.estimation.refit.batch import Refitter

RNG = np.random.default_rng(8)


def coins() -> tuple[pm.Model, xr.Dataset]:
    with pm.Model(coords={"side": ["left", "right"]}) as model:
        theta = pm.Beta("theta", 1, 1, dims="side")
        pm.Deterministic("difference", theta[0] - theta[1])
        pm.Bernoulli("tosses", theta, observed=np.zeros((6, 2), int))
    heads = RNG.integers(0, 2, size=(40, 6, 2))
    heads[:, :2] = np.array([1, 0])[:, None]  # no boundaries: those are slow
    heads[7] = 1  # but for one
    tosses = xr.DataArray(heads, dims=("year", "toss", "side"), coords={"year": np.arange(40) + 1})
    return model, tosses.to_dataset(name="tosses")


def refit(model: pm.Model, data: xr.Dataset, **options: object) -> xr.Dataset:
    return bp.refit(model, data, progressbar=False, **options)


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_lazily_the_same(scheduler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, data = coins()
    expected = refit(model, data)
    made = []
    start = Refitter.__init__
    monkeypatch.setattr(
        Refitter, "__init__", lambda self, *args: made.append(1) or start(self, *args)
    )
    lazy._READY.clear()
    fits = refit(model, data.chunk(year=15, toss=2))
    assert fits["theta"].chunksizes["year"] == (15, 15, 10)
    assert all(array.chunks is not None for array in fits.data_vars.values())
    with dask.config.set(scheduler=scheduler):
        got = fits.compute()
    xr.testing.assert_allclose(got, expected, rtol=1e-10)
    np.testing.assert_array_equal(got["status"], expected["status"])
    assert got["status"].values[7] == "on_boundary"
    # One to say what the result will look like, one for all three blocks.
    assert len(made) == 2


def test_lazily_with_weights_and_starts() -> None:
    model, data = coins()
    data = data.isel(year=slice(8, 14), drop=True)
    weights = xr.DataArray(RNG.integers(1, 4, size=(6, 6, 2)), dims=("year", "toss", "side"))
    options = {
        "weights": {"tosses": weights},
        "initvals": {"theta": np.full((6, 2), 0.4)},
        "estimator": "MAP",
        "var_names": ["theta"],
    }
    expected = refit(model, data, **options)
    lazily = refit(model, data.chunk(year=4), **options).compute()
    xr.testing.assert_allclose(lazily, expected, rtol=1e-10)


def test_lazy_results_are_not_saved_by_us(tmp_path: object) -> None:
    model, data = coins()
    with pytest.raises(
        ModelError, match=r"chunked by Dask is lazy: write it with its own \.to_zarr"
    ):
        refit(model, data.chunk(year=10), save=f"{tmp_path}/x")


@pytest.fixture
def cluster() -> Iterator[object]:
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
        ) as made,
        distributed.Client(made) as client,
    ):
        yield client


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # what a dying process leaves behind is not ours
@pytest.mark.parametrize("n_killed", [1, 2])
def test_on_a_cluster_of_two_processes_that_are_killed(cluster: object, n_killed: int) -> None:
    model, data = coins()
    expected = refit(model, data)
    fits = refit(model, data.chunk(year=2))
    victims = list(cluster.run(os.getpid).values())[:n_killed]  # type: ignore[attr-defined]

    def kill_when_some_are_done() -> None:
        while sum(map(len, cluster.who_has().values())) < 1:  # type: ignore[attr-defined]
            time.sleep(0.05)
        for victim in victims:
            os.kill(victim, signal.SIGKILL)

    killer = threading.Thread(target=kill_when_some_are_done)
    future = cluster.compute(fits)  # type: ignore[attr-defined]
    killer.start()
    got = future.result(timeout=300)
    killer.join()
    assert not {*victims} & {*cluster.run(os.getpid).values()}  # type: ignore[attr-defined]
    xr.testing.assert_allclose(got, expected, rtol=1e-10)
    np.testing.assert_array_equal(got["status"], expected["status"])

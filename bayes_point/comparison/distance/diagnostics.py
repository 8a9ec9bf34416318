"""r-hat, effective sample sizes, Monte Carlo errors and BFMI of the draws."""

from __future__ import annotations

import numpy as np
import xarray as xr
from arviz_stats.base import array_stats
from numpy.typing import NDArray

from bayes_point.comparison.distance.effective import rank_diagnostics, tail_size
from bayes_point.comparison.inputs.draws import MIN_DRAWS, Draws
from bayes_point.comparison.inputs.validate import SAMPLE_DIMS

__all__ = ["DIAGNOSTICS", "convergence", "energy_information", "labelled"]

DIAGNOSTICS = ("r_hat", "ess_bulk", "ess_tail", "mcse_mean", "mcse_sd")


def convergence(draws: Draws) -> NDArray[np.float64]:
    """r-hat, ESS and MCSE, shape (diagnostic, n); r-hat and ESS are NaN for constant draws."""
    length, n = draws.x.shape[1:]
    out = np.full((len(DIAGNOSTICS), n), np.nan)
    varies = draws.varies
    z = draws.z[..., varies]
    if length >= MIN_DRAWS and varies.any():
        out[0, varies], out[1, varies] = rank_diagnostics(z)
        out[2, varies] = tail_size(z, (0.05, 0.95))
    out[3], out[4] = draws.mean_mcse, draws.sd_mcse
    return out


def labelled(values: NDArray[np.float64], posterior: xr.Dataset) -> xr.Dataset:
    """Give values of shape (diagnostic, n) the variables, dims and coords of the posterior."""
    variables, start = {}, 0
    for name, da in posterior.data_vars.items():
        own = [d for d in da.dims if d not in SAMPLE_DIMS]
        sizes = [da.sizes[d] for d in own]
        stop = start + int(np.prod(sizes))
        variables[name] = (
            ["diagnostic", *own],
            values[:, start:stop].reshape(len(DIAGNOSTICS), *sizes),
        )
        start = stop
    coords = {k: v for k, v in posterior.coords.items() if not set(v.dims) & set(SAMPLE_DIMS)}
    return xr.Dataset(variables, coords=coords | {"diagnostic": list(DIAGNOSTICS)})


def energy_information(stats: xr.Dataset) -> tuple[float, ...] | None:
    """BFMI of each chain; None where no energy was recorded, or it never changes."""
    if "energy" not in stats:
        return None
    energy = stats["energy"].transpose(*SAMPLE_DIMS).values.astype(float)
    if (
        energy.shape[1] < MIN_DRAWS
        or not np.isfinite(energy).all()
        or (np.ptp(energy, 1) == 0).any()
    ):
        return None
    return tuple(float(b) for b in array_stats.bfmi(energy, chain_axis=0, draw_axis=1))

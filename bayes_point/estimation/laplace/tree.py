"""A Laplace approximation as a DataTree that ArviZ reads, and in words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_point.estimation.certificate.status import Finding
from bayes_point.estimation.laplace.importance import effective_size, highest_k, systematic
from bayes_point.estimation.laplace.laplace import Laplace

__all__ = ["QUANTITIES", "laplace_tree"]

QUANTITIES = ("mean", "mean_mcse", "mean_k", "sd", "sd_mcse", "sd_k")


def laplace_tree(
    found: Laplace, chains: int, *, started_from: str, rng: np.random.Generator
) -> xr.DataTree:
    """Return the draws, resampled if they were made for it, and what is known of them."""
    n = len(found.x)
    index, log_weight = np.arange(n), found.log_weight
    if found.is_defensive:
        index, log_weight = systematic(found.log_weight, rng), np.full(n, -np.log(n))
    stats = {"log_p": found.log_p[index], "log_q": found.log_q[index], "log_weight": log_weight}
    samples = {"chain": np.arange(chains), "draw": np.arange(n // chains)}
    tree = xr.DataTree.from_dict(
        {
            "/posterior": _draws(found, index, samples),
            "/sample_stats": xr.Dataset(
                {
                    name: (("chain", "draw"), value.reshape(chains, -1))
                    for name, value in stats.items()
                },
                coords=samples,
            ),
            "/importance": _importance(found),
            "/unconstrained": _unconstrained(found),
            "/optima": found.estimate.optima,
        }
    )
    for group in ("posterior", "sample_stats"):
        tree[group].attrs["inference_library"] = "bayes_point"
    distinct, problems, mode = len(np.unique(index)), found.problems(), found.estimate
    tree.attrs = {
        "estimator": mode.estimator,
        "jacobian": int(mode.jacobian),
        "maximised": mode.maximised,
        "status": mode.status.key,
        "status_text": mode.status.value,
        "log_joint": mode.log_joint,
        "n_starts": mode.n_starts,
        "started_from": started_from,
        "resampled": int(found.is_defensive),
        "distinct_draws": distinct,
        "pareto_k": found.pareto_k,
        "pareto_k_limit": highest_k(n),
        "importance_ess": float(effective_size(found.log_weight)),
        "is_trusted": int(found.is_trusted),
        "problems": json.dumps(
            [{"what": str(p), "parameters": list(p.parameters)} for p in problems]
        ),
        "text": _text(found, chains, distinct, problems),
    }
    return tree


def _draws(found: Laplace, index: NDArray[np.int_], samples: Mapping[str, NDArray]) -> xr.Dataset:
    one = found.estimate.objective.density.dataset(
        {name: value[0] for name, value in found.natural.items()}
    )
    sizes = [len(values) for values in samples.values()]
    variables = {
        str(name): (
            (*samples, *da.dims),
            np.asarray(found.natural[str(name)])[index].reshape(*sizes, *da.shape),
        )
        for name, da in one.data_vars.items()
    }
    return xr.Dataset(variables, coords={**one.coords, **samples})


def _importance(found: Laplace) -> xr.Dataset:
    """Label the moments of the posterior that the weighted draws give."""
    density = found.estimate.objective.density
    parts = [
        density.dataset(
            {
                name: getattr(of, quantity).reshape(found.natural[name].shape[1:])
                for name, of in found.moments.items()
            }
        )
        for quantity in QUANTITIES
    ]
    return xr.concat(parts, dim=xr.Variable("quantity", list(QUANTITIES)), join="exact")


def _unconstrained(found: Laplace) -> xr.Dataset:
    labels = found.estimate.objective.density.labels
    return xr.Dataset(
        {
            "mode": ("parameter", found.mode),
            "covariance": (("parameter", "parameter_other"), found.covariance),
        },
        coords={"parameter": labels, "parameter_other": labels},
    )


def _integrated(found: Laplace) -> list[str]:
    whole = found.estimate.integrated
    if whole is None:
        return []
    return [
        f"  {', '.join(whole.latents)} integrated out ({whole.how}), and drawn given the "
        "parameters drawn"
    ]


def _text(found: Laplace, chains: int, distinct: int, problems: Sequence[Finding]) -> str:
    n = len(found.x)
    kind = "of the normal itself"
    if found.is_defensive:
        kind = f"resampled by weight ({distinct} distinct)"
    k = f"Pareto k {found.pareto_k:.2f} (to be trusted up to {highest_k(n):.2g})"
    if found.pareto_k == -np.inf:
        k = "the weights are constant: the posterior is this normal"
    elif np.isnan(found.pareto_k):
        k = "no Pareto k: hardly a draw has any density"
    lines = [
        f"Laplace approximation: {n} draws in {chains} chains, {kind}",
        "  normal at the mode of the density on the unconstrained scale, Jacobian included",
        *_integrated(found),
        f"  {k}; weighted, the draws are worth {effective_size(found.log_weight):.0f}",
        *(f"  - {problem}" for problem in problems),
    ]
    return "\n".join(lines)

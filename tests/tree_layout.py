"""Puts draws and estimates together in the layout of the tree that ``bayes_point.fit`` returns.

The one place in the tests that spells the layout out; `tests.trees` fills it with known posteriors.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

ESTIMATORS = ["MLE", "MAP", "mean"]

STATUS_TEXT = {
    "converged": "an interior maximum, converged",
    "on_boundary": "the maximum lies on the boundary of the support",
    "at_infinity": "the density keeps rising as parameters go to infinity",
    "not_identified": "the density is constant along a direction",
    "unbounded": "the density has no maximum: it grows without bound",
    "not_converged": "the search stopped before it reached a maximum",
    "local": "an interior maximum of a density that has no upper limit elsewhere",
}

MAXIMISED = {
    "MLE": "log-likelihood",
    "MAP": "log-likelihood + log-prior on the natural scale (no Jacobian)",
}


def finding(what: str, parameters: Sequence[str], advice: str, **evidence: float) -> dict[str, Any]:
    """One finding as it is stored in the attrs of /mle and /map."""
    return {
        "what": what,
        "parameters": list(parameters),
        "evidence": evidence,
        "advice": advice,
    }


def estimate(
    point: Mapping[str, Any],
    *,
    status: str = "converged",
    log_likelihood: float = 0.0,
    log_prior: float = 0.0,
    findings: Sequence[dict[str, Any]] = (),
    jacobian: int = 0,
    n_starts: int = 8,
    unconstrained: Mapping[str, float] | None = None,
    status_text: str | None = None,
) -> dict[str, Any]:
    """What `assemble` needs to know of one point estimate."""
    return {
        "point": dict(point),
        "status": status,
        "status_text": STATUS_TEXT[status] if status_text is None else status_text,
        "log_likelihood": log_likelihood,
        "log_prior": log_prior,
        "findings": list(findings),
        "jacobian": jacobian,
        "n_starts": n_starts,
        "unconstrained": unconstrained or {"x": 0.0},
    }


def dataset(
    values: Mapping[str, Any],
    dims: Mapping[str, Sequence[str]],
    coords: Mapping[str, Any],
    lead: Sequence[str] = (),
) -> xr.Dataset:
    """Build a Dataset whose variables have the dims `lead` in front of their own."""
    variables = {name: ([*lead, *dims.get(name, ())], np.asarray(v)) for name, v in values.items()}
    used = {d for names, _ in variables.values() for d in names}
    return xr.Dataset(variables, coords={d: c for d, c in coords.items() if d in used})


def sampler_stats(
    chains: int, draws: int, *, sampler: str = "nutpie", divergences: int = 0, deepest: int = 0
) -> xr.Dataset:
    """Sample statistics under the names that nutpie or PyMC give them.

    The first `divergences` draws are marked as diverging, the first `deepest` as having reached
    the maximum tree depth.
    """
    position = np.arange(chains * draws).reshape(chains, draws)
    depth = {"nutpie": "maxdepth_reached", "pymc": "reached_max_treedepth"}[sampler]
    rng = np.random.default_rng(chains * draws)
    ds = dataset(
        {
            "diverging": position < divergences,
            depth: position < deepest,
            "energy": rng.normal(3.0, 1.0, (chains, draws)),
            "step_size": np.full((chains, draws), 0.9),
            "n_steps": np.full((chains, draws), 3),
        },
        {},
        {"chain": np.arange(chains), "draw": np.arange(draws)},
        ("chain", "draw"),
    )
    ds.attrs = {"inference_library": sampler, "sample_dims": ["chain", "draw"]}
    return ds


def assemble(
    posterior: Mapping[str, np.ndarray],
    *,
    mle: dict[str, Any],
    map: dict[str, Any],
    mode: dict[str, Any] | None = None,
    dims: Mapping[str, Sequence[str]] | None = None,
    coords: Mapping[str, Any] | None = None,
    observed: Mapping[str, Any] | None = None,
    predictive: Mapping[str, np.ndarray] | None = None,
    log_likelihood: Mapping[str, np.ndarray] | None = None,
    log_prior: Mapping[str, np.ndarray] | None = None,
    sample_stats: xr.Dataset | None = None,
    model_name: str = "",
    model_text: str = "",
    deterministic: Sequence[str] = (),
    attrs: Mapping[str, str] | None = None,
) -> xr.DataTree:
    """Put draws and two estimates together in the layout of ``fit``.

    `mode` is the mode on the unconstrained scale; a tree made before there was one lacks it.
    """
    dims = dict(dims or {})
    first = next(iter(posterior.values()))
    chains, draws = first.shape[:2]
    sample = {"chain": np.arange(chains), "draw": np.arange(draws)}
    own = dict(coords or {})
    lead = ("chain", "draw")

    post = dataset(posterior, dims, own | sample, lead)
    post.attrs = {
        "created_at": "2026-01-01T00:00:00+00:00",
        "creation_library": "ArviZ",
        "inference_library": "nutpie",
        "inference_library_version": "0.16.11",
        "sampling_time": 0.5,
        "tuning_steps": 1000,
        "sample_dims": list(lead),
    }
    stats = sampler_stats(chains, draws) if sample_stats is None else sample_stats

    stacked = {
        name: np.stack(
            [
                np.broadcast_to(np.asarray(e["point"][name], float), first_draw.shape)
                for e in (mle, map)
            ]
            + [posterior[name].mean((0, 1))]
        )
        for name, first_draw in ((n, x[0, 0]) for n, x in posterior.items())
    }
    points = dataset(stacked, dims, own | {"estimator": ESTIMATORS}, ("estimator",))
    points = points.assign_coords(status=("estimator", [mle["status"], map["status"], "sampled"]))

    groups: dict[str, xr.Dataset] = {
        "/": xr.Dataset(
            attrs={
                "bayes_point_version": "0.1.0.dev0",
                "model_name": model_name,
                "model_text": model_text,
                "fingerprint": "0" * 16,
                **(attrs or {}),
            }
        ),
        "/posterior": post,
        "/sample_stats": stats,
        "/point_estimates": points,
    }
    for name, values, names in (
        ("observed_data", observed, ()),
        ("posterior_predictive", predictive, lead),
        ("log_likelihood", log_likelihood, lead),
        ("log_prior", log_prior, lead),
    ):
        if values is not None:
            groups[f"/{name}"] = dataset(values, dims, own | sample, names)
            groups[f"/{name}"].attrs = {"sample_dims": list(names)}
    for group, name, e in (("mle", "MLE", mle), ("map", "MAP", map)):
        groups |= _estimate_groups(group, name, e, points.sel(estimator=name, drop=True))
    if mode is not None:
        point = dataset(mode["point"], dims, own)
        groups |= _estimate_groups("mode", "MAP", mode | {"jacobian": 1}, point)
    for ds in (ds for group, ds in groups.items() if group.endswith("/optima")):
        # `optima` holds what was maximised over: the free variables.
        for name in deterministic:
            del ds[name]
    return xr.DataTree.from_dict(groups)


def _estimate_groups(
    group: str, estimator: str, e: dict[str, Any], point: xr.Dataset
) -> dict[str, xr.Dataset]:
    point = point.drop_vars("status", errors="ignore")
    labels = list(e["unconstrained"])
    joint = e["log_likelihood"] + e["log_prior"]
    attrs = {
        "estimator": estimator,
        "jacobian": e["jacobian"],
        "status": e["status"],
        "status_text": e["status_text"],
        "maximised": MAXIMISED[estimator],
        "log_likelihood": e["log_likelihood"],
        "log_prior": e["log_prior"],
        "log_joint": joint,
        "n_starts": e["n_starts"],
        "findings": json.dumps(e["findings"]),
    }
    optima = point.expand_dims(optimum=[0]).assign(
        log_density=("optimum", [e["log_likelihood"] if estimator == "MLE" else joint]),
        reached=("optimum", [e["n_starts"]]),
    )
    return {
        f"/{group}": xr.Dataset(attrs=attrs),
        f"/{group}/posterior": point.expand_dims(chain=[0], draw=[0]),
        f"/{group}/unconstrained": xr.Dataset(
            {"x": ("parameter", [float(e["unconstrained"][k]) for k in labels])},
            coords={"parameter": labels},
        ),
        f"/{group}/optima": optima,
    }

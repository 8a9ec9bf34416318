"""Latent variables that were integrated out: their conditional modes beside the posterior."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import norm

from bayes_point.comparison.inputs.marginal import JOINT, is_marginal, latent_names
from bayes_point.comparison.inputs.scalars import flatten, listed, scalars
from bayes_point.comparison.inputs.validate import SAMPLE_DIMS
from bayes_point.comparison.plots.styling import STYLES
from bayes_point.report.sections.figures import Figure, draw
from bayes_point.report.wording import number, plural, row, sentence

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    type Array = NDArray[np.float64]

    from bayes_point.report.request import Request

MAX_ROWS, MAX_PANELS, MAX_MARKS = 8, 3, 120
"""Latents in the table, variables in the figure, and elements of each that it shows."""

PANEL = (6.6, 2.6)
"""Inches of the panel of a variable."""

_STATUS = {
    "converged": "is an interior maximum",
    "on_boundary": "lies on the edge of the support",
    "at_infinity": "lies at infinity",
    "not_identified": "is not identified",
    "unbounded": "does not exist",
    "not_converged": "was not found",
    "local": "is a local maximum",
}


def marginal_note(tree: xr.DataTree) -> list[str]:
    """Say of a tree with marginal estimates what was integrated out, and why; else nothing."""
    if not is_marginal(tree):
        return []
    names = latent_names(tree)
    values = sum(tree["posterior"].dataset[name].isel(chain=0, draw=0).size for name in names)
    first = (
        f"The latent variables ({listed(names)}: {plural(values, 'value')}) are integrated out of "
        f"both estimates, {tree['map'].attrs['integrated']}. In code, after import bayes_point as "
        'bp: bp.find_MLE(model, marginalize="latents"), and bp.find_MAP likewise. '
        f"{_in_short(tree)}"
    ).rstrip()
    if not {*JOINT} <= {*tree.children}:
        return [first]
    joint = [
        f"the joint {tree[group].attrs['estimator']} "
        + (
            "was not searched to the end"
            if tree[group].attrs.get("is_stopped")
            else _STATUS[str(tree[group].attrs["status"])]
        )
        for group in JOINT
    ]
    return [
        f"{first} Do not use the joint estimates, such as pm.find_MAP returns: they maximise over "
        "the latent variables as if the best value of each were known. Here "
        f"{' and '.join(joint)}."
    ]


def latents_section(request: Request) -> dict[str, Any]:
    """Return how conditional modes and posterior means compare, the largest gaps, and a figure."""
    tree = request.tree
    shown, summed = _modes(tree)
    if not shown:
        return _chances(tree, summed)
    found = tree["latents"].dataset[shown]
    posterior = tree["posterior"].dataset[shown].transpose(*SAMPLE_DIMS, ...)
    labels = [scalar.label for scalar in scalars(posterior, SAMPLE_DIMS)]
    draws = flatten(posterior, SAMPLE_DIMS)
    mode, fixed, whole = flatten(found.transpose("quantity", ...), ("quantity",))
    mean, sd = draws.mean((0, 1)), draws.std((0, 1))
    gap, ratio = _against(mode, whole, mean, sd)
    order = np.argsort(-np.nan_to_num(np.abs(gap), nan=-1.0), kind="stable")[:MAX_ROWS]
    rows = [
        row(
            labels[i],
            [
                *(
                    number(float(v[i]), digits=4) if np.isfinite(v[i]) else "–"
                    for v in (mode, fixed, whole, mean, sd)
                ),
                f"{gap[i]:+.2f}".replace("-", "−") if np.isfinite(gap[i]) else "–",
            ],
        )
        for i in order.tolist()
    ]
    return {
        "explanation": _explanation(tree, list(map(str, found.data_vars)), gap, ratio, labels),
        "caption": "The largest gaps of latent variables",
        "columns": ["", "mode", "sd given θ", "sd", "posterior mean", "posterior sd", "gap (sd)"],
        "rows": rows,
        "figure": _figure(posterior, found, request.ci_prob),
    }


def _modes(tree: xr.DataTree) -> tuple[list[str], list[str]]:
    """Return the latents that have conditional modes to show, and those summed over."""
    found = tree["latents"].dataset
    summed = [str(name) for name in found.data_vars if f"{name}_value" in found[name].dims]
    shown = [name for name in _shown(tree) if name not in summed]
    return [n for n in shown if np.isfinite(found[n].isel(quantity=1)).any()], summed


def _against(mode: Array, whole: Array, mean: Array, sd: Array) -> tuple[Array, Array]:
    """Return the gaps of the modes in posterior sd, and their sd over those of the posterior."""
    with np.errstate(all="ignore"):
        return (mode - mean) / sd, whole / sd


def _are_near(gap: Array, ratio: Array) -> bool:
    """Whether modes and their sd can be used in place of the posterior."""
    near = np.nanmax(np.abs(gap)) < 0.5 and np.nanmin(ratio) > 0.8 and np.nanmax(ratio) < 1.25
    return bool(near)


def _in_short(tree: xr.DataTree) -> str:
    """Say in a sentence what to take for the latents themselves."""
    if "latents" not in tree.children or not (shown := _modes(tree)[0]):
        return ""
    found = tree["latents"].dataset[shown].transpose("quantity", ...)
    draws = flatten(tree["posterior"].dataset[shown].transpose(*SAMPLE_DIMS, ...), SAMPLE_DIMS)
    mode, _, whole = flatten(found, ("quantity",))
    gap, ratio = _against(mode, whole, draws.mean((0, 1)), draws.std((0, 1)))
    advice = "For the latent variables themselves, use the posterior"
    if not np.isfinite(gap).any() or not np.isfinite(ratio).any():
        return f"{advice}."
    worst = f"{np.nanmax(np.abs(gap)):.2f}"
    if _are_near(gap, ratio):
        return (
            f"{advice}, or their modes given the parameters, all within {worst} posterior sd of "
            "the posterior means."
        )
    return (
        f"{advice}: their modes given the parameters are up to {worst} posterior sd from its "
        f"means, and their sd {np.nanmin(ratio):.2f} to {np.nanmax(ratio):.2f} times its own."
    )


def _chances(tree: xr.DataTree, names: list[str]) -> dict[str, Any]:
    """Return how probable each value is at the marginal MAP, and how often it was drawn."""
    labels, values, chance, drawn = [], [], [], []
    for name in names:
        table = tree["latents"].dataset[name].transpose(..., f"{name}_value")
        draws = tree["posterior"].dataset[[name]].transpose(*SAMPLE_DIMS, ...)
        labels += [scalar.label for scalar in scalars(draws, SAMPLE_DIMS)]
        flat, here = flatten(draws, SAMPLE_DIMS), table.values.reshape(-1, table.shape[-1])
        best = table[f"{name}_value"].values[here.argmax(axis=1)]
        values += best.tolist()
        chance += here.max(axis=1).tolist()
        drawn += (flat == best).mean((0, 1)).tolist()
    gap = np.array(chance) - np.array(drawn)
    order = np.argsort(-np.abs(gap), kind="stable")[:MAX_ROWS]
    text = f"The probability of the most probable value of each of {listed(names)}, the parameters "
    text += "at the marginal MAP, beside how often the posterior has it. "
    if len(gap):
        worst = int(order[0])
        text += (
            f"Half of them differ by less than {np.median(np.abs(gap)):.2f}, and all by at most "
            f"{abs(gap[worst]):.2f} ({labels[worst]})."
        )
    return {
        "explanation": text,
        "caption": "The largest differences of discrete latent variables",
        "columns": ["", "value", "probability at θ", "posterior", "difference"],
        "rows": [
            row(
                labels[i],
                [
                    f"{values[i]:g}",
                    f"{chance[i]:.3f}",
                    f"{drawn[i]:.3f}",
                    f"{gap[i]:+.3f}".replace("-", "−"),
                ],
            )
            for i in order.tolist()
        ],
        "figure": _scatter(np.array(chance), np.array(drawn), names),
    }


def _scatter(chance: NDArray[np.float64], drawn: NDArray[np.float64], names: list[str]) -> Figure:
    def make() -> Any:
        import matplotlib.pyplot as plt

        figure, axis = plt.subplots(figsize=(3.6, 3.4), layout="constrained")
        axis.plot([0, 1], [0, 1], color="0.7", linewidth=1)
        axis.plot(chance, drawn, "o", color=STYLES["MAP"].color, ms=3, alpha=0.6)
        axis.set_xlabel("probability at the marginal MAP")
        axis.set_ylabel("posterior")
        return figure

    return draw(
        make,
        alt=f"Scatter plot of {listed(names)}: probabilities at the marginal MAP and posterior.",
        caption="Each dot is an element, at the probability of its most probable value.",
    )


def _shown(tree: xr.DataTree) -> list[str]:
    """Return the variables to show: of a non-centred latent what the model makes of it."""
    found = tree["latents"].dataset
    reasons = json.loads(tree["map"].attrs["latents"])
    reasons = {name: why for name, why in reasons.items() if name in found}
    dims = [found[name].dims for name in reasons]
    made = [str(n) for n in found.data_vars if n not in reasons and found[n].dims in dims]
    scaled = [n for n in reasons if "scaled" in reasons[n]]
    replaced = {n for n in scaled if any(found[m].dims == found[n].dims for m in made)}
    return [*(n for n in reasons if n not in replaced), *made]


def _explanation(
    tree: xr.DataTree,
    names: list[str],
    gap: Array,
    ratio: Array,
    labels: list[str],
) -> str:
    text = (
        f"The mode of each value of {listed(names)}, given the data, with the parameters at their "
        "marginal MAP. The sd given θ takes the parameters as known; sd adds their uncertainty. "
    )
    if not np.isfinite(gap).any():
        return text + "There is none to compare with the posterior."
    worst = int(np.nanargmax(np.abs(gap)))
    text += (
        f"Half of the modes lie within {np.nanmedian(np.abs(gap)):.2f} posterior sd of the "
        f"posterior means, and all within {abs(gap[worst]):.2f} ({labels[worst]}). "
    )
    if not np.isfinite(ratio).any():
        return text + sentence(
            "they have no sd with the uncertainty of the parameters, of which one is on an edge or "
            "has none: take the posterior's"
        )
    low, high = np.nanmin(ratio), np.nanmax(ratio)
    text += f"Their sd is {low:.2f} to {high:.2f} times the posterior's. "
    return text + (
        "They can be used in place of the posterior of the latent variables."
        if _are_near(gap, ratio)
        else "Use the posterior for those that are far off."
    )


def _figure(posterior: xr.Dataset, found: xr.Dataset, prob: float) -> Figure:
    names = [str(name) for name in found.data_vars][:MAX_PANELS]
    wide = float(norm.ppf(0.5 + prob / 2))

    def make() -> Any:
        import matplotlib.pyplot as plt

        size = (PANEL[0], PANEL[1] * len(names) + 0.5)
        figure, axes = plt.subplots(len(names), squeeze=False, figsize=size, layout="constrained")
        for axis, name in zip(axes[:, 0], names, strict=True):
            draws = flatten(posterior[[name]], SAMPLE_DIMS)
            mode, _, sd = flatten(found[[name]].transpose("quantity", ...), ("quantity",))
            mean = draws.mean((0, 1))
            order = np.argsort(mean, kind="stable")
            if len(order) > MAX_MARKS:
                order = order[np.linspace(0, len(order) - 1, MAX_MARKS).round().astype(int)]
            x = np.arange(len(order))
            low, high = np.quantile(draws[..., order], [0.5 - prob / 2, 0.5 + prob / 2], (0, 1))
            axis.vlines(x, low, high, color="0.55", linewidth=1.5)
            axis.plot(x, mean[order], "o", color="0.35", ms=4, mfc="white", label="posterior mean")
            blue = STYLES["MAP"].color
            axis.vlines(
                x + 0.3,
                mode[order] - wide * sd[order],
                mode[order] + wide * sd[order],
                color=blue,
                linewidth=1.0,
            )
            axis.plot(x + 0.3, mode[order], "s", color=blue, ms=3, label="conditional mode")
            axis.set_ylabel(name)
            axis.set_xticks([])
        axes[-1, 0].set_xlabel("in the order of their posterior means")
        axes[0, 0].legend(loc="upper left", frameon=False)
        return figure

    return draw(
        make,
        alt=(
            f"Caterpillar plot of {listed(names)}: posterior means with intervals, and beside each "
            "the conditional mode with its own."
        ),
        caption=(
            f"Posterior means with {prob:.0%} intervals, and beside each the conditional mode with "
            "its interval, which is normal."
            + (
                f" Of more than {MAX_MARKS} elements, an evenly spaced selection is shown."
                if any(found[name].isel(quantity=0).size > MAX_MARKS for name in names)
                else ""
            )
        ),
    )

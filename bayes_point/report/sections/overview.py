"""What was fitted: the model's own text, its parameters, its data."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from bayes_point.comparison.inputs.marginal import latent_names
from bayes_point.comparison.inputs.selection import free_names
from bayes_point.report.wording import plural, row

if TYPE_CHECKING:
    import xarray as xr


def overview(tree: xr.DataTree) -> dict[str, Any]:
    """Model text, and the variables of the model and of its data, each with its shape."""
    parameters = _variables(tree, "posterior")
    observed = _variables(tree, "observed_data")
    constant = _variables(tree, "constant_data")
    n_parameters = sum(count for *_, count in parameters)
    values = sum(count for *_, count in observed)
    # What BIC counts, which for counts of a multinomial is not the number of values.
    n_observations = values
    if "mle" in tree.children:
        n_observations = int(tree["mle"].attrs.get("n_observations", values))
    # Of a tree with marginal estimates, what they estimate and what they integrate out.
    latents = latent_names(tree)
    sentence = f"{plural(n_parameters, 'scalar')} in {plural(len(parameters), 'variable')}"
    if "/mle/unconstrained" in tree.groups:
        n_free = tree["mle/unconstrained"].dataset.sizes["parameter"]
        sentence += f" ({plural(n_free, 'free parameter')}"
        values = sum(count for name, _, count in parameters if name in latents)
        sentence += f", {plural(values, 'latent value')})" if latents else ")"
    sentence += f", estimated from {plural(n_observations, 'observation')}."
    free = {*free_names(tree), *latents}
    rows = [
        row(
            name,
            [_kind(name, what, free, latents), shape, f"{count:,}"],
            ["text", "text", ""],
        )
        for what, variables in (
            ("parameter", parameters),
            ("observed data", observed),
            ("constant data", constant),
        )
        for name, shape, count in variables
    ]
    return {
        "sentence": sentence,
        "model_text": str(tree.attrs.get("model_text", "")).strip("\n"),
        "variables": rows,
    }


def _kind(name: str, what: str, free: set[str], latents: Collection[str]) -> str:
    if name in latents:
        return "latent variable"
    return "deterministic" if what == "parameter" and name not in free else what


def _variables(tree: xr.DataTree, group: str) -> list[tuple[str, str, int]]:
    """Name, shape in words and number of values of each variable of a group, if it is there."""
    if group not in tree.children:
        return []
    found = []
    for name, array in tree[group].dataset.data_vars.items():
        sizes = {str(d): n for d, n in array.sizes.items() if d not in ("chain", "draw")}
        shape = " × ".join(f"{dim}: {n:,}" for dim, n in sizes.items()) or "scalar"
        found.append((str(name), shape, math.prod(sizes.values())))
    return found

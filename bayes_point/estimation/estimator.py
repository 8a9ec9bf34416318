"""What an estimator maximises: MLE and MAP differ in the weights of the density's terms alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pymc as pm

from bayes_point.errors import ModelError
from bayes_point.estimation.objective import Objective
from bayes_point.model.density.density import LogDensity

__all__ = ["Estimator", "Potentials", "estimator_of"]

Potentials = Literal["likelihood", "prior"]


@dataclass(frozen=True)
class Estimator:
    """A name, ``"MLE"`` or ``"MAP"``, and the weights of the terms of the log density."""

    name: str
    weights: Mapping[str, float]

    def objective(self, density: LogDensity) -> Objective:
        """Return what this estimator maximises, for a model's density."""
        return Objective(density, self.weights)


def estimator_of(
    model: pm.Model, name: str, *, jacobian: bool, potentials: Potentials | None
) -> Estimator:
    """Return the estimator of that name for a model.

    Raises
    ------
    ModelError
        If the name is unknown, or the model has potentials and it was not said, for an MLE,
        whether they are part of the likelihood or of the prior.
    """
    if name not in ("MLE", "MAP"):
        raise ModelError(f"Got estimator={name!r}. It must be 'MLE' or 'MAP'.")
    if potentials not in (None, "likelihood", "prior"):
        raise ModelError(
            f"Got potentials={potentials!r}. It says what the model's potentials are part of, and "
            "must be 'likelihood' or 'prior'."
        )
    weights = {"likelihood": 1.0}
    if name == "MAP":
        weights["prior"] = 1.0
        if jacobian:
            weights["jacobian"] = 1.0
        if model.potentials:
            weights["potential"] = 1.0
        return Estimator(name, weights)
    if potentials is None and all(_is_of_gp(potential.name) for potential in model.potentials):
        potentials = "likelihood"
    if model.potentials and potentials is None:
        names = [potential.name for potential in model.potentials]
        raise ModelError(
            f"The model has potentials, {names}, and a potential can be part of the likelihood or "
            f"of the prior: got potentials={potentials!r}. Say which with potentials='likelihood' "
            "or potentials='prior'."
        )
    if model.potentials and potentials == "likelihood":
        weights["potential"] = 1.0
    return Estimator(name, weights)


def _is_of_gp(name: str) -> bool:
    """Whether `pm.gp.MarginalApprox` made a potential: the likelihood of its data."""
    return name.rpartition("::")[2].startswith("marginalapprox_loglik_")

"""What is asked to be integrated out of a model, and the density that is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pymc as pm
from numpy.typing import NDArray
from pymc.distributions.multivariate import ICARRV

from bayes_point.arguments import whole_number
from bayes_point.errors import ModelError
from bayes_point.estimation.estimator import Estimator
from bayes_point.estimation.marginal.density import MarginalDensity
from bayes_point.estimation.marginal.gaussian import fixed_effects, is_gaussian
from bayes_point.model.density.density import LogDensity
from bayes_point.model.discrete.summed import SummedDensity, summed_density
from bayes_point.model.starts import starting_points
from bayes_point.model.variables.latents import latent_variables
from bayes_point.model.variables.roles import model_roles

__all__ = [
    "Asked",
    "Marginalize",
    "QuadratureNodes",
    "integrated",
    "integrated_of_inputs",
    "within",
]

# A scale, in the log, that is zero beside any other; and a slope there that leads back from it.
_FAR, _FLAT = -20.0, 1e-3

QuadratureNodes = Literal["auto"] | int
Marginalize = Literal["latents"] | str | Sequence[str] | None


@dataclass(frozen=True)
class Asked:
    """What a user wants integrated out: see `find_MLE`."""

    marginalize: Marginalize = None
    reml: bool | str | Sequence[str] = False
    quadrature: QuadratureNodes = "auto"

    @property
    def of_many(self) -> dict[str, Any]:
        """The arguments of `refit`."""
        if self.marginalize is None:
            return {}
        return {
            "marginalize": self.marginalize,
            "quadrature": self.quadrature,
            "reml": self.reml,
        }

    def check(self) -> None:
        """Raise if it does not make sense."""
        if self.reml is not False and self.marginalize is None:
            raise ModelError(
                f"Got reml={self.reml!r} without marginalize=. REML integrates the fixed effects "
                "out together with the latent variables: add marginalize='latents', or names."
            )
        if self.marginalize is not None and not _are_names(self.marginalize):
            raise ModelError(
                f"Got marginalize={self.marginalize!r}. It is 'latents', or a sequence of names of "
                "free variables; None integrates nothing out."
            )
        is_number = isinstance(self.quadrature, int) and not isinstance(self.quadrature, bool)
        if self.quadrature != "auto" and not (is_number and self.quadrature >= 1):
            raise ModelError(
                f"Got quadrature={self.quadrature!r}. It is 'auto', or a number of nodes: 1 is "
                "Laplace's method, 15 a usual number."
            )
        if self.quadrature != "auto" and self.marginalize is None:
            raise ModelError(
                f"Got quadrature={self.quadrature!r} without marginalize=. It says how latent "
                "variables are integrated out: add marginalize='latents', or names."
            )
        if not isinstance(self.reml, bool) and not _are_names(self.reml):
            raise ModelError(
                f"Got reml={self.reml!r}. It is True, False, or a sequence of names of parameters."
            )


def asked_of_many(
    marginalize: Marginalize,
    quadrature: int,
    reml: bool | str | Sequence[str],
    weights: Any = None,
) -> Asked:
    """Return what is to be integrated out; raise where it makes no sense."""
    whole_number("quadrature", quadrature, 1)
    names = marginalize if marginalize is None or isinstance(marginalize, str) else [*marginalize]
    asked = Asked(names, reml=reml, quadrature=quadrature if marginalize is not None else "auto")
    asked.check()
    if marginalize is not None and weights is not None:
        raise ModelError(
            "Got weights= with marginalize=. The weight of an observation multiplies its own "
            "log-likelihood, and with latent variables integrated out there is none. Leave weights "
            "out, or marginalize."
        )
    return asked


def _are_names(names: object) -> bool:
    if isinstance(names, str):
        return True
    return isinstance(names, Sequence) and all(isinstance(name, str) for name in names)


def integrated(model: pm.Model, full: LogDensity, asked: Asked) -> MarginalDensity | SummedDensity:
    """Return the density of the parameters that are left; made once a density.

    Parameters
    ----------
    model : pymc.Model
        The model.
    full : LogDensity
        Its density, of parameters and latents.
    asked : Asked
        What to integrate out.

    Raises
    ------
    ModelError
        If that makes no sense, or cannot be done.
    """
    assert asked.marginalize is not None
    names, reml = asked.marginalize, asked.reml
    key = ("marginal", *_key(names), "reml", *_key(reml))

    def make() -> MarginalDensity | SummedDensity:
        start = starting_points(
            model, full, n_starts=1, initvals=None, rng=np.random.default_rng(0)
        )[0]
        reasons = latent_variables(model, full, names)
        parents = {name: role.parents for name, role in model_roles(model).items() if role.is_free}
        for name, above in parents.items():
            if name not in reasons and (on := [one for one in above if one in reasons]):
                raise ModelError(
                    f"The prior of {name!r} depends on {on}, which would be integrated out. "
                    f"Integrate it out as well, marginalize={[*reasons, name]}, or leave {on} "
                    "among the parameters."
                )
        for name in reasons:
            if parents[name] and isinstance(model[name].owner.op, ICARRV):
                raise ModelError(
                    f"{name!r} cannot be integrated out: the density of pm.ICAR lacks the term "
                    f"-(n - 1) log sigma of its normalising constant, so that {parents[name]} have "
                    "no marginal estimate. Give it sigma=1 and multiply it: "
                    f"phi = sigma * pm.ICAR({name!r}, W)."
                )
        whole, discrete = full, [name for name in reasons if name in full.inputs]
        left = [var.name for var in model.discrete_value_vars if var.name not in reasons]
        if left:
            summed_density(model, full, [*discrete, *left])  # says so if they cannot be summed out
            raise ModelError(
                f"The discrete variables {left} would be left, and a marginal likelihood is "
                "maximised over continuous ones. Sum them out as well: "
                f"marginalize={[*reasons, *left]}."
            )
        if discrete:
            whole = summed = summed_density(model, full, discrete)
            summed.reasons = {name: reasons[name] for name in discrete}
        continuous = [name for name in reasons if name not in discrete]
        if discrete and not continuous and not reml:
            return summed
        flat = fixed_effects(whole, continuous, start, reml)
        reasons |= dict.fromkeys(flat, "a fixed effect, for the restricted likelihood")
        marginal = MarginalDensity(whole, [*continuous, *flat], start, flat=flat)
        marginal.reasons = reasons
        marginal.is_exact = is_gaussian(marginal.joint, start)
        _check_maximum(marginal, start, parents)
        return marginal

    density: MarginalDensity | SummedDensity = full.functions.kept(key, make)
    if isinstance(density, SummedDensity):
        if asked.quadrature not in ("auto", 1):
            raise ModelError(
                f"Got quadrature={asked.quadrature!r}, and {list(density.sums.names)} are summed "
                "out exactly: there is no continuous latent variable. Leave quadrature out."
            )
        return density
    if asked.quadrature not in ("auto", 1) and not density.is_exact and density.quadrature is None:
        raise ModelError(
            f"Got quadrature={asked.quadrature!r}, and there is none: the latent variables "
            f"{list(density.joint.latents)} are no independent blocks of one or two "
            f"({density.structure.name}). Take Laplace's method, quadrature=1."
        )
    return density


def integrated_of_inputs(
    model: pm.Model, full: LogDensity, asked: Asked
) -> MarginalDensity | SummedDensity:
    """Return the same of a density of many data sets, found out at the model's own data."""
    full = full.bind({name: one.own for name, one in full.inputs.items()})
    with np.errstate(all="ignore"):
        density = integrated(model, full, asked)
    if isinstance(density, MarginalDensity) and isinstance(asked.quadrature, int):
        density = density.with_nodes(1 if density.is_exact else asked.quadrature)
    return density


def _check_maximum(
    density: MarginalDensity, start: NDArray[np.float64], parents: Mapping[str, Sequence[str]]
) -> None:
    """Raise where the density of the latents is as high as can be with a scale among them at zero.

    A latent whose own scale is a latent as well, both at zero, is as probable as anything: there is
    no maximum, and what a search finds is a hump beside that spike.
    """
    joint = density.joint
    is_log = density.full.kinds[joint.inner] == "log"
    if not is_log.any():
        return
    theta, u = start[joint.outer][None], start[joint.inner][None].copy()
    u[:, is_log] = _FAR
    with np.errstate(all="ignore"):
        modes = density.modes(theta, starts=u)
    # Where it falls off towards zero it has a slope there, of one at least in most priors.
    is_flat = modes.gradient[0, joint.inner] < _FLAT
    left = is_log & (modes.x[0, joint.inner] < _FAR / 2) & is_flat & np.isfinite(modes.value[0])
    stayed = list(dict.fromkeys(np.array(density.full.variables)[joint.inner][left].tolist()))
    if stayed:
        scaled = [name for name, above in parents.items() if {*stayed} & {*above}]
        raise ModelError(
            f"{[*scaled, *stayed]} cannot be integrated out together by Laplace's method: their "
            f"density has no maximum, as {scaled} and their scale {stayed} go to zero together. "
            f"Write {scaled} as a product, z = pm.Normal('z', shape=...) times the scale, and "
            f"integrate z and {stayed} out; or leave {stayed} among the parameters, "
            f"marginalize={scaled}; or sample the posterior."
        )


def _key(names: object) -> tuple[object, ...]:
    return (names,) if isinstance(names, str | bool) else tuple(names)  # type: ignore[arg-type]


def within(estimator: Estimator, density: LogDensity) -> Estimator:
    """Return the estimator of the marginal density: potentials of latents are part of it."""
    weights: Mapping[str, float] = {
        name: weight
        for name, weight in estimator.weights.items()
        if name in (*density.terms, "jacobian")
    }
    return replace(estimator, weights=weights)

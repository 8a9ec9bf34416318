"""PyMC's own log densities on the natural scale, interpreted: what the truths are proved with.

Nothing of bayes_point is used here. The value transforms are taken off the model, so that a point
of the natural scale is all that it needs, the edge of the support included; derivatives are
PyTensor's, second derivatives are differences of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np
import pytensor
import pytensor.tensor as pt
from numpy.typing import ArrayLike
from pymc.logprob.utils import ParameterValueError
from pymc.model.transform.conditioning import remove_value_transforms
from pytensor.compile.mode import Mode
from pytensor.graph.replace import graph_replace
from scipy.linalg import block_diag, null_space

from tests.zoo import Estimator, ZooModel

__all__ = ["NaturalDensity"]

MODE = Mode("py", "fast_compile")
SUM_CONSTRAINED = ("SimplexTransform", "ZeroSumTransform")


class NaturalDensity:
    """What an estimator maximises, as a function of a natural-scale point (a dict by name).

    ``estimator`` says which of the three densities is meant; it is set from outside, so that one
    compiled function serves them all.
    """

    def __init__(self, zoo_model: ZooModel) -> None:
        self.original = zoo_model.build()
        # PyMC refuses to transform a model with initial values; the density has no use for them.
        self.original.rvs_to_initial_values = dict.fromkeys(self.original.free_RVs)
        model = self.model = remove_value_transforms(self.original)
        self.values = {v.name: v for v in model.value_vars}
        self.continuous = [v for v in model.value_vars if v.dtype.startswith("float")]
        self.discrete = [v.name for v in model.value_vars if v not in self.continuous]
        likelihood = list(model.observed_RVs)
        if zoo_model.potentials == "likelihood":
            likelihood += model.potentials
        prior = [v for v in model.basic_RVs + model.potentials if v not in likelihood]
        terms = model.logp(vars=[*likelihood, *prior], jacobian=False, sum=False)
        loglik, logprior = (
            sum((term.sum() for term in part), start=pt.zeros(()))
            for part in (terms[: len(likelihood)], terms[len(likelihood) :])
        )
        self.targets = {
            "mle": loglik,
            "map": loglik + logprior,
            "map_jacobian": loglik + logprior + self._log_jacobian(),
        }
        self._heights = self._compile(list(self.targets.values()))
        self._gradients: dict[Estimator, pytensor.compile.Function] = {}
        self.estimator: Estimator = "map"

    def _compile(self, outputs: list) -> pytensor.compile.Function:
        return pytensor.function(
            list(self.values.values()), outputs, mode=MODE, on_unused_input="ignore"
        )

    def _log_jacobian(self) -> pytensor.graph.basic.Variable:
        """Log determinants of the value transforms, at the natural-scale values."""
        by_name = {rv.name: rv for rv in self.original.free_RVs}
        to_values = {by_name[name]: value for name, value in self.values.items()}
        total = pt.zeros(())
        for rv, transform in self.original.rvs_to_transforms.items():
            if transform is not None and rv in to_values:
                inputs = rv.owner.inputs
                unconstrained = transform.forward(rv, *inputs)
                total = total + transform.log_jac_det(unconstrained, *inputs).sum()
        return graph_replace(total, to_values, strict=False)

    def _arguments(self, point: Mapping[str, ArrayLike]) -> list[np.ndarray]:
        return [np.asarray(point[name], dtype=v.dtype) for name, v in self.values.items()]

    def __call__(self, point: Mapping[str, ArrayLike]) -> float:
        """Log density, whatever the priors' support says of the point."""
        return float(self._all(point)[self.estimator])

    def _all(self, point: Mapping[str, ArrayLike]) -> dict[str, np.ndarray]:
        return dict(zip(self.targets, self._heights(*self._arguments(point)), strict=True))

    def inside(self, point: Mapping[str, ArrayLike]) -> float:
        """Log density, and -inf off the priors' support."""
        for rv, transform in self.original.rvs_to_transforms.items():
            ordered = type(transform).__name__ == "Ordered"
            if ordered and np.any(np.diff(point[rv.name]) <= 0):
                return -np.inf
        try:
            heights = self._all(point)
        except (ParameterValueError, IndexError):
            # Interpreted, PyMC raises where it would give -inf; so does a category too many.
            return -np.inf
        return float(heights[self.estimator]) if np.isfinite(heights["map"]) else -np.inf

    def gradient(self, point: Mapping[str, ArrayLike]) -> np.ndarray:
        """Gradient by the flat vector of the continuous variables, along their constraints."""
        if self.estimator not in self._gradients:
            target = self.targets[self.estimator]
            self._gradients[self.estimator] = self._compile(
                pytensor.grad(target, self.continuous, disconnected_inputs="ignore")
            )
        parts = self._gradients[self.estimator](*self._arguments(point))
        return np.concatenate([np.ravel(part) for part in parts]) @ self.tangent(point)

    def hessian(self, point: Mapping[str, ArrayLike]) -> np.ndarray:
        """Central differences of the gradient, along the constraints."""
        x, tangent = self.flatten(point), self.tangent(point)
        scale = np.abs(tangent.T) @ np.abs(x)
        steps = 1e-5 * np.where(scale > 0, scale, 1)
        columns = [
            (
                self.gradient(self.unflatten(point, x + h * direction))
                - self.gradient(self.unflatten(point, x - h * direction))
            )
            / (2 * h)
            for h, direction in zip(steps, tangent.T, strict=True)
        ]
        hessian = np.array(columns)
        return (hessian + hessian.T) / 2

    def flatten(self, point: Mapping[str, ArrayLike]) -> np.ndarray:
        """Continuous variables as one vector."""
        return np.concatenate(
            [np.ravel(np.asarray(point[v.name], dtype=float)) for v in self.continuous]
        )

    def unflatten(self, point: Mapping[str, ArrayLike], x: np.ndarray) -> dict[str, ArrayLike]:
        """The point with its continuous variables taken from a vector."""
        result, start = dict(point), 0
        for v in self.continuous:
            shape = np.shape(point[v.name])
            size = int(np.prod(shape))
            result[v.name] = x[start : start + size].reshape(shape)
            start += size
        return result

    def tangent(self, point: Mapping[str, ArrayLike]) -> np.ndarray:
        """Columns that span the directions which the constraints (a fixed sum) leave free."""
        transforms = {
            rv.name: type(t).__name__ for rv, t in self.original.rvs_to_transforms.items()
        }
        blocks = []
        for v in self.continuous:
            size = np.size(point[v.name])
            constrained = transforms.get(v.name) in SUM_CONSTRAINED
            blocks.append(null_space(np.ones((1, size))) if constrained else np.eye(size))
        return block_diag(*blocks)

    def coords(self, dims: tuple[str, ...]) -> list[tuple]:
        """The labels along some dims."""
        return [self.original.coords[dim] for dim in dims]

    def labels(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Names of a variable's elements, as ``beta[age]``; of a scalar its name."""
        if not shape:
            return np.array(name)
        dims = self.original.named_vars_to_dims.get(name)
        coords = [range(n) for n in shape] if dims is None else self.coords(dims)
        labels = [f"{name}[{', '.join(map(str, entry))}]" for entry in product(*coords)]
        return np.array(labels).reshape(shape)

    def deterministics(self, point: Mapping[str, ArrayLike]) -> dict[str, np.ndarray]:
        """The model's deterministics at the point."""
        graphs = self.model.deterministics
        graphs = self.model.replace_rvs_by_values(graphs)
        values = self._compile(graphs)(*self._arguments(point)) if graphs else []
        return {v.name: x for v, x in zip(self.model.deterministics, values, strict=True)}

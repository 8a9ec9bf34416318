"""Scalars of a model, elements of its parameters and Deterministics, as functions of one vector."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
import pytensor.tensor as pt
import xarray as xr
from arviz_base.utils import _var_names
from numpy.typing import NDArray

from bayes_point.arguments import choice, labels
from bayes_point.arguments import names as checked_names
from bayes_point.errors import ModelError
from bayes_point.model.density.density import LogDensity
from bayes_point.model.differences import FOURTH_ORDER_STEP, central_difference
from bayes_point.model.interpreter.compiling import NO_DERIVATIVE, gradient
from bayes_point.model.rows import row_function

__all__ = ["Scalars", "scalars_of", "select_elements"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Scalars:
    """K scalar elements of a model's variables as functions of a batch of unconstrained vectors.

    Attributes
    ----------
    density : LogDensity
        The model.
    labels : tuple of str
        A label each, such as ``"beta[age]"``.
    names : tuple of str
        The variable that each is an element of.
    indices : tuple of int
        Which element of the flattened variable each is.
    """

    density: LogDensity
    labels: tuple[str, ...]
    names: tuple[str, ...]
    indices: tuple[int, ...]

    def values(self, x: Array) -> Array:
        """Return every scalar at each row of `x`: (batch, K)."""
        [out] = self.density.call(self._values, [(len(self.labels),)], [x], None)
        return np.asarray(out, dtype=float)

    def evaluate(self, x: Array, which: NDArray[np.int_]) -> tuple[Array, Array]:
        """Return one scalar a row, its value, (batch,), and its gradient, (batch, p)."""
        u = self._one_hot(which)
        value, slope = self.density.call(self._gradient, [(), (self.density.p,)], [x, u], None)
        return value, slope

    def hessian(self, x: Array, which: NDArray[np.int_]) -> Array:
        """Return the Hessian of one scalar a row, (batch, p, p): exact, or to eleven digits."""
        b, p = x.shape
        points, axes = np.repeat(x, p, axis=0), np.tile(np.eye(p), (b, 1))
        u = self._one_hot(np.repeat(which, p))
        if self._product is not None:
            [rows] = self.density.call(self._product, [(p,)], [points, axes, u], None)
        else:
            rows = self._differences(points, axes, np.repeat(which, p))
        h = rows.reshape(b, p, p)
        return 0.5 * (h + h.swapaxes(1, 2))

    @cached_property
    def coordinate(self) -> NDArray[np.int_]:
        """For each scalar the coordinate that alone it is a function of, -1 if there is none: (K,).

        Seen from what changes when one coordinate at a time is moved: this knows of every
        transform, also of one whose bounds depend on other parameters.
        """
        p, free = self.density.p, set(self.density.variables)
        base = np.random.default_rng(0).uniform(-0.7, 0.7, size=(3, p))
        rows = base[:, None, :] + np.concatenate([np.zeros((1, p)), 0.3 * np.eye(p)])
        at = self.values(rows.reshape(-1, p)).reshape(3, p + 1, -1)
        moved = np.any(at[:, 1:] != at[:, :1], axis=0)  # (p, K)
        alone = (moved.sum(axis=0) == 1) & np.isfinite(at).all(axis=(0, 1))
        alone &= np.array([name in free for name in self.names], bool)
        if still := [self.labels[k] for k in np.flatnonzero(~moved.any(axis=0))]:
            raise ModelError(
                f"{', '.join(still[:5])} cannot be profiled: it does not change with the model's "
                "parameters. Leave it out of var_names."
            )
        return np.where(alone, np.argmax(moved, axis=0), -1)

    # ------------------------------------------------------------------------------- private

    def _one_hot(self, which: NDArray[np.int_]) -> Array:
        return np.eye(len(self.labels))[which]

    def _differences(self, x: Array, v: Array, which: NDArray[np.int_]) -> Array:
        """Return Hessian products from differences of the gradient, of fourth order."""
        h = FOURTH_ORDER_STEP * (1 + np.linalg.norm(x * v, axis=1, keepdims=True))
        far, near, back, far_back = (
            self.evaluate(x + step * v, which)[1] for step in (2 * h, h, -h, -2 * h)
        )
        return central_difference(far, near, back, far_back, h)

    @cached_property
    def _graph(self) -> Any:
        """The scalars as one vector, (K,), a graph of the density's vector."""
        wanted = list(dict.fromkeys(self.names))
        flat = {
            name: out.ravel().astype("float64")
            for name, out in zip(wanted, self.density.graphs.natural_of_x(wanted), strict=True)
        }
        parts = [
            flat[name][
                [i for i, owner in zip(self.indices, self.names, strict=True) if owner == name]
            ]
            for name in wanted
        ]
        return pt.concatenate(parts)

    def _function(
        self, kind: str, make: Callable[..., list[Any]] | None = None, vectors: Sequence[int] = ()
    ) -> Any:
        """Compile what `make` makes of the scalars; kept with the density, for a second call."""

        def build(vectorised: bool) -> Any:
            functions, row = self.density.functions, self.density.graphs.row
            return row_function(
                functions.compile, row, [self._graph], make, vectors, vectorised=vectorised
            )

        key = [f"{name}:{i}" for name, i in zip(self.names, self.indices, strict=True)]
        return self.density.functions.built(f"scalars {kind}", tuple(key), build)

    @property
    def _values(self) -> Any:
        return self._function("value")

    @property
    def _gradient(self) -> Any:
        def make(scalars: list[Any], x: Any, u: Any) -> list[Any]:
            chosen = (scalars[0] * u).sum(axis=-1)
            return [chosen, gradient(chosen.sum(), x)]

        try:
            return self._function("gradient", make, [len(self.labels)])
        except NO_DERIVATIVE as err:
            raise ModelError(
                f"One of {', '.join(self.labels[:5])} has no derivative by the model's "
                f"parameters: {err}. Leave it out of var_names, or write it with PyTensor's own "
                "functions."
            ) from err

    @cached_property
    def _product(self) -> Any:
        def make(scalars: list[Any], x: Any, v: Any, u: Any) -> list[Any]:
            return [gradient((gradient((scalars[0] * u).sum(), x) * v).sum(), x)]

        try:
            return self._function("product", make, [self.density.p, len(self.labels)])
        except NO_DERIVATIVE:
            return None


def select_elements(
    density: LogDensity,
    var_names: str | Sequence[str] | None,
    filter_vars: str | None,
    coords: Mapping[Hashable, Any] | None,
) -> xr.Dataset:
    """Return the elements asked for: a Dataset of their indices in the flattened variables.

    By default the free variables, without the Deterministics.

    Raises
    ------
    ModelError
        If a name or a label is not in the model, or nothing is selected.
    """
    every = {
        name: np.arange(int(np.prod(shape))).reshape(shape)
        for name, shape in density.natural_shapes.items()
    }
    ds = density.dataset(every)
    checked_names("var_names", var_names)
    coords = labels("coords", coords)
    choice("filter_vars", filter_vars, (None, "like", "regex"))
    names: Any = list(dict.fromkeys(density.variables))
    if var_names is not None:
        elements = {
            label: name for name in every for label, _ in density.elements(name, every[name])
        }
        asked = [var_names] if isinstance(var_names, str) else list(var_names)
        for name in asked:
            if name in elements and name not in every:
                dims = ", ".join(f"{dim!r}: [...]" for dim in ds[elements[name]].dims)
                raise ModelError(
                    f"{name!r} is an element of {elements[name]!r}. Ask for it with "
                    f"var_names={elements[name]!r} and coords={{{dims}}}."
                )
        try:
            names = _var_names(var_names, ds, cast(Any, filter_vars))
        except (KeyError, ValueError) as error:
            raise ModelError(
                f"var_names={var_names!r}, filter_vars={filter_vars!r} cannot be selected. The "
                f"free variables and Deterministics of the model are {', '.join(every)}; "
                "filter_vars is None, 'like' or 'regex'."
            ) from error
    ds = ds[list(dict.fromkeys(names))]
    try:
        ds = ds.sel(dict(coords or {}))
    except (KeyError, ValueError, TypeError) as error:
        held = {str(dim): [str(v) for v in ds[dim].values[:8]] for dim in ds.dims}
        raise ModelError(
            f"coords={dict(coords or {})!r} cannot be selected. The coords of what is selected "
            f"are {held or 'none'}."
        ) from error
    if not sum(array.size for array in ds.data_vars.values()):
        raise ModelError(
            f"var_names={var_names!r}, coords={coords!r} select nothing of the model's variables "
            f"{', '.join(every)}."
        )
    return ds


def scalars_of(density: LogDensity, elements: xr.Dataset) -> Scalars:
    """Return the elements that `select_elements` gave, in their order, as functions."""
    shapes = density.natural_shapes
    if lost := [str(name) for name in elements.data_vars if name not in density.graphs.natural]:
        raise ModelError(
            f"{lost} depend on what is integrated out, and are no function of the parameters "
            f"{list(dict.fromkeys(density.variables))} alone: they have conditional modes, not a "
            "profile. Leave them out of var_names, or estimate without marginalize=."
        )
    labels, names, indices = [], [], []
    for key, array in elements.data_vars.items():
        name = str(key)
        of = dict(enumerate(label for label, _ in density.elements(name, np.zeros(shapes[name]))))
        for i in np.ravel(array.values).tolist():
            labels.append(of[i])
            names.append(name)
            indices.append(i)
    return Scalars(density, tuple(labels), tuple(names), tuple(indices))

"""What a refit is asked for, and the names of what it returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.estimator import Potentials
from bayes_point.estimation.marginal.integrate import Asked
from bayes_point.model.starts import Initvals

__all__ = ["NOT_DONE", "STATUSES", "Task", "dtype_of", "stderr_of", "value_of_stderr"]

STATUSES = tuple(Status)
NOT_DONE = -1
"""In the place of the number of a status: nobody has looked at this data set yet."""
_STDERR = "_stderr"


@dataclass(frozen=True)
class Task:
    """What is asked of every data set; it can be sent to another process."""

    estimator: str
    jacobian: bool
    potentials: Potentials | None
    prior_weight: float
    names: tuple[str, ...]
    weights: bool
    var_names: tuple[str, ...] | None
    initvals: Initvals | None
    n_starts: int
    random_seed: int
    backend: str | None
    asked: Asked = field(default_factory=Asked)
    local: bool = False

    def weighted(self, weights: Mapping[str, float]) -> dict[str, float]:
        """Return the weights of the terms, those of the prior multiplied by its power."""
        prior = {"prior"} | ({"potential"} if self.potentials == "prior" else set())
        powers = {
            term: weight * (self.prior_weight if term in prior else 1.0)
            for term, weight in weights.items()
        }
        return {term: weight for term, weight in powers.items() if weight != 0}


def stderr_of(name: str) -> str:
    """Return the name of the variable that holds the standard errors of another."""
    return f"{name}{_STDERR}"


def value_of_stderr(name: str) -> str:
    """Return the name of the variable whose standard errors these are; of another, its own."""
    return name.removesuffix(_STDERR)


def dtype_of(name: str) -> type:
    """Return the dtype of a result."""
    return np.int8 if name == "status" else np.float64

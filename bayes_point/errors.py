"""The errors and warnings of bayes_point: a small hierarchy, so that one `except` catches them."""

from __future__ import annotations

from typing import Any

__all__ = [
    "BayesPointError",
    "BayesPointWarning",
    "ComparisonError",
    "DetailError",
    "EstimationError",
    "EstimationWarning",
    "ModelError",
    "ReportError",
    "SamplingWarning",
    "in_one_line",
]


class BayesPointError(Exception):
    """Base of every error that bayes_point raises on purpose."""


class ModelError(BayesPointError, ValueError):
    """The model, or what is asked of it, cannot be estimated; the message names the variable."""


class EstimationError(BayesPointError, RuntimeError):
    """An estimate is not a converged interior maximum and ``strict=True`` was asked for.

    Attributes
    ----------
    estimate : PointEstimate
        The estimate that failed, with its status and findings.
    """

    def __init__(self, message: str, estimate: Any = None) -> None:
        super().__init__(message)
        self.estimate = estimate


class ComparisonError(BayesPointError, ValueError):
    """Results that cannot be compared: groups missing, or other variables, dims or coords."""


class DetailError(BayesPointError, RuntimeError):
    """A fit failed unexpectedly after the sampling.

    Attributes
    ----------
    tree : xarray.DataTree
        What was sampled: minutes of sampling are not lost with the rest.
    """

    def __init__(self, message: str, tree: Any = None) -> None:
        super().__init__(message)
        self.tree = tree


class ReportError(BayesPointError, RuntimeError):
    """A section of the report failed, and so the report fails.

    Attributes
    ----------
    section : str
        Name of the section.
    """

    def __init__(self, message: str, section: str = "") -> None:
        super().__init__(message)
        self.section = section


class BayesPointWarning(UserWarning):
    """Base of every warning that bayes_point gives."""


class EstimationWarning(BayesPointWarning):
    """A point estimate is not a converged interior maximum."""


class SamplingWarning(BayesPointWarning):
    """The posterior draws are not to be trusted as they are: r-hat, ESS or divergences."""


def in_one_line(err: BaseException, limit: int = 300) -> str:
    r"""Type and message of an exception as one line of at most `limit` characters.

    Examples
    --------
    >>> in_one_line(ValueError("too\n  many"))
    'ValueError: too many'
    """
    text = " ".join(f"{type(err).__name__}: {err}".split()).removesuffix(":")
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"

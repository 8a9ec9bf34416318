"""Side by side in one table: MLE, MAP, posterior mean, sd, interval and gaps."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_point.comparison.causes.causes import causes_frame
from bayes_point.comparison.causes.explain import explained
from bayes_point.comparison.distance.digits import decimals_of, number_text, round_to_spec
from bayes_point.comparison.inputs.draws import interval, interval_mcse
from bayes_point.comparison.inputs.frame import SummaryFrame
from bayes_point.comparison.inputs.scalars import Scalar
from bayes_point.comparison.inputs.selected import Selected
from bayes_point.comparison.inputs.statuses import EstimateStatus
from bayes_point.comparison.inputs.validate import interval_arguments
from bayes_point.errors import ComparisonError

__all__ = ["summary"]

MARK, DOUBT = "*", "?"
# So many more decimals than the mean's may an end of an interval show.
_FINER = 2


def summary(
    dt: xr.DataTree,
    *,
    kind: str = "estimates",
    var_names: str | Sequence[str] | None = None,
    filter_vars: str | None = None,
    coords: Mapping[Hashable, Any] | None = None,
    ci_prob: float | None = None,
    ci_kind: str | None = None,
    round_to: int | str | None = None,
) -> SummaryFrame:
    """Table of MLE, MAP, posterior mean, sd, interval and gaps, one row a scalar parameter.

    Parameters
    ----------
    dt : xarray.DataTree
        What `fit` returned.
    kind : {"estimates", "causes"}, default "estimates"
        The estimates beside the posterior, or what `explain` finds: the distance from MLE to
        posterior mean by cause.
    var_names : str or sequence of str, optional
        Variables to show, by default all that have a prior. As in ArviZ, ``~`` in front excludes.
    filter_vars : {None, "like", "regex"}, optional
        How `var_names` are understood, as in ArviZ.
    coords : mapping, optional
        Coordinate values to select.
    ci_prob : float, optional
        Probability of the interval, ``rcParams["stats.ci_prob"]`` of ArviZ by default.
    ci_kind : {"hdi", "eti"}, optional
        Kind of the interval, ``rcParams["stats.ci_kind"]`` of ArviZ by default. Of an angle the
        lower end is above the upper one where the interval crosses the cut at pi; its mean and sd
        are the mean direction and the circular sd.
    round_to : int, str or None, optional
        None or "auto": the frame holds all digits and shows those that the Monte Carlo error
        supports. An int rounds the numbers to decimals, "3g" to significant digits, "none" not at
        all; with these the numbers are shown as they are, and two columns more, ``status_MLE`` and
        ``status_MAP``, say how the estimates ended.

    Returns
    -------
    SummaryFrame
        A pandas.DataFrame indexed by the labels of the parameters (``beta[age]``), with the columns
        ``MLE``, ``MAP``, ``mean``, ``sd``, the bounds of the interval (named as
        ``arviz.summary`` does: ``eti89_lb``, ``eti89_ub``), ``gap_MLE`` and ``gap_MAP``, in
        posterior sd. Its ``attrs["status"]`` maps "MLE" and "MAP" to their status.

        As shown: `mean`, `sd`, bounds and gaps end at the digit of twice their Monte Carlo error,
        the estimates have one decimal more than the mean. An estimate that does not exist shows its
        status (``unbounded``) for the number; ``?`` marks numbers that are no maximum because the
        search was unbounded or did not converge; ``*`` those that the status concerns otherwise (on
        the boundary, not identified, at infinity). A note below says what the status is.

        Of `kind` "causes", the columns are the terms ``prior``, ``parametrisation``, ``marginal``,
        ``skew`` and their sum ``total``, in posterior sd; in brackets those within twice their
        Monte Carlo error of 0. The interval plays no part.

    Raises
    ------
    ComparisonError
        If `dt` is not the tree of a fit, or an argument is not understood.

    See Also
    --------
    fit : Find MLE and MAP, sample the posterior, and put all three into one DataTree.
    gaps : The gaps with their Monte Carlo errors, as a labelled Dataset.

    Examples
    --------
    With ``dt = bp.fit(coin, random_seed=1)``, three heads of three tosses under Beta(2, 2):

    >>> import bayes_point as bp
    >>> bp.summary(dt, var_names="theta")
               MLE     MAP   mean     sd eti89_lb eti89_ub gap_MLE gap_MAP
    theta  1.0000*  0.8000  0.713  0.162     0.42    0.941   +1.76   +0.53
    * MLE (on boundary): the maximum lies on the boundary of the support

    >>> bp.summary(dt, kind="causes", var_names="theta")[["prior", "total"]]
           prior  total
    theta  -1.23  -1.76
    (in brackets: within twice the Monte Carlo error of 0)

    The numbers inside have all digits:

    >>> float(bp.summary(dt, round_to=3).loc["theta", "gap_MAP"])
    0.533
    """
    prob, ci_kind = interval_arguments(ci_prob, ci_kind)
    spec = _rounding(round_to)
    if kind == "causes":
        causes = causes_frame(explained(Selected.of(dt, var_names, filter_vars, coords)))
        return causes if spec is None else causes.map(lambda v: round_to_spec(float(v), spec))
    if kind != "estimates":
        raise ComparisonError(f"kind must be 'estimates' or 'causes', got {kind!r}.")
    return summarised(Selected.of(dt, var_names, filter_vars, coords), prob, ci_kind, spec)


def summarised(
    selected: Selected, prob: float, ci_kind: str, spec: int | str | None
) -> SummaryFrame:
    """Summarise as `summary` does, with the digits that `spec` says; None for those of the MCSE."""
    rows, statuses = selected.rows, selected.statuses
    values, errors = _columns(selected, prob, ci_kind)
    frame = SummaryFrame(values, index=[r.label for r in rows])
    frame.attrs["status"] = {e: s.key for e, s in statuses.items()}
    if spec is not None:
        frame = frame.map(lambda v: round_to_spec(float(v), spec))
        for estimator, status in statuses.items():
            frame[f"status_{estimator}"] = status.key
        return frame
    return frame.with_texts(_texts(rows, values, errors, statuses), _notes(selected))


def _rounding(round_to: int | str | None) -> int | str | None:
    if round_to is None or round_to == "auto":
        return None
    if isinstance(round_to, str):
        if round_to.lower() == "none":
            return "none"
        if re.fullmatch(r"[1-9][0-9]*g", round_to):
            return round_to
    elif isinstance(round_to, (int, np.integer)) and not isinstance(round_to, bool):
        return int(round_to)
    raise ComparisonError(
        f"round_to must be None or 'auto' (digits follow the Monte Carlo error), a number of"
        f" decimals, significant digits such as '3g', or 'none', got {round_to!r}."
    )


def _columns(
    selected: Selected, prob: float, kind: str
) -> tuple[dict[str, NDArray[np.float64]], dict[str, NDArray[np.float64]]]:
    """Columns of the table, and the Monte Carlo errors of those that have one."""
    draws = selected.draws
    lower, upper = interval(draws, prob, kind)
    name = f"{kind}{100 * prob:g}"
    values = {
        **{estimator: draws.shown(value) for estimator, value in selected.estimates.items()},
        "mean": draws.mean,
        "sd": draws.sd,
        f"{name}_lb": draws.shown(lower),
        f"{name}_ub": draws.shown(upper),
        **{f"gap_{estimator}": gap for estimator, gap in selected.gap.items()},
    }
    errors = {
        "mean": draws.mean_mcse,
        "sd": draws.sd_mcse,
        f"{name}_lb": interval_mcse(draws, lower),
        f"{name}_ub": interval_mcse(draws, upper),
        **{f"gap_{estimator}": error for estimator, error in selected.gap_mcse.items()},
    }
    return values, errors


def _texts(
    rows: Sequence[Scalar],
    values: Mapping[str, NDArray[np.float64]],
    errors: Mapping[str, NDArray[np.float64]],
    statuses: Mapping[str, EstimateStatus],
) -> dict[tuple[Hashable, Hashable], tuple[float, str]]:
    cells: dict[tuple[Hashable, Hashable], tuple[float, str]] = {}
    for i, row in enumerate(rows):
        places = decimals_of(float(errors["mean"][i]))
        for column, numbers in values.items():
            value = float(numbers[i])
            estimator = column.removeprefix("gap_")
            if column in statuses:
                text = number_text(value, None if places is None else places + 1)
                text = _marked(text, value, statuses[column], row)
            elif estimator in statuses:
                text = number_text(value, decimals_of(float(errors[column][i])), sign=True)
                text = "-" if np.isnan(value) else text
                if np.isfinite(value) and not statuses[estimator].exists:
                    text += DOUBT
            else:
                own = decimals_of(float(errors[column][i]))
                if own is not None and places is not None:
                    # Where draws crowd at an edge the error of an end is next to nothing.
                    own = min(own, places + _FINER)
                text = number_text(value, places if own is None else own)
            cells[row.label, column] = (value, text)
    _align(cells, values, rows)
    return cells


def _marked(text: str, value: float, status: EstimateStatus, row: Scalar) -> str:
    if np.isnan(value):
        return status.words if not status.converged else text
    if not status.exists:
        return text + DOUBT
    return text + MARK if status.concerns(row) else text


def _align(
    cells: dict[tuple[Hashable, Hashable], tuple[float, str]],
    columns: Mapping[str, object],
    rows: Sequence[Scalar],
) -> None:
    """Pad unmarked numbers where others of the column are marked, so that digits line up."""
    for column in columns:
        keys = [(r.label, column) for r in rows]
        if any(cells[k][1].endswith((MARK, DOUBT)) for k in keys):
            for k in keys:
                value, text = cells[k]
                if not text.endswith((MARK, DOUBT)):
                    cells[k] = (value, text + " ")


def _notes(selected: Selected) -> tuple[str, ...]:
    around = [
        f"{row.label}: its draws are all around the circle, and have no mean direction"
        for i, row in enumerate(selected.rows)
        if selected.draws.still(i) == "all around the circle"
    ]
    return (
        *(
            # Of an estimate without any number there is nothing to mark.
            f"{MARK if s.exists else DOUBT} {s.estimator} ({s.words}): {s.explanation}"
            if s.exists or np.isfinite(selected.estimates[name]).any()
            else f"{s.estimator} ({s.words}): {s.explanation}"
            for name, s in selected.statuses.items()
            if not s.converged
        ),
        *around,
    )

"""PointEstimate: a point, with the status that says what it is worth."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

from bayes_point.arguments import truth_value
from bayes_point.errors import ModelError
from bayes_point.estimation.estimate.record import EstimateRecord
from bayes_point.estimation.face.conf_int import Method, conf_int
from bayes_point.estimation.face.predict import predict
from bayes_point.estimation.face.rendering import as_html, as_text
from bayes_point.estimation.uncertainty.coefficients import coefficients
from bayes_point.estimation.uncertainty.criteria import aic, aicc, bic, n_observations, n_parameters
from bayes_point.estimation.uncertainty.information import Information, information, refuse_failed
from bayes_point.estimation.uncertainty.labelled import covariance, stderr
from bayes_point.estimation.uncertainty.latents import latents
from bayes_point.estimation.uncertainty.quantities import Quantities, natural_quantities
from bayes_point.estimation.uncertainty.standard_errors import Cluster, Kind
from bayes_point.estimation.uncertainty.storage import as_datatree

__all__ = ["PointEstimate"]


@dataclass(frozen=True, repr=False, eq=False)
class PointEstimate(EstimateRecord):
    """A point estimate of a model's parameters, with the status that says what it is worth.

    Attributes
    ----------
    estimator : str
        ``"MLE"`` or ``"MAP"``.
    jacobian : bool
        Whether the density maximised is the one on the unconstrained scale, with the log Jacobian
        of the transforms.  False for the MLE and for the MAP that is usually meant.
    point : xarray.Dataset
        Every free variable and Deterministic on the natural scale, with the model's coords.  What
        diverges is infinite, what has no value is NaN.
    unconstrained : xarray.DataArray, (parameter,)
        The same point on the unconstrained scale, labelled.
    log_likelihood, log_prior, log_joint : float
        Of the point; the prior on the natural scale, and the log joint density with the log
        Jacobian where `jacobian` is true.  The supremum where the maximum is not attained.
    status : Status
        What kind of optimum this is.
    findings : tuple of Finding
        What a user should know of it.
    evidence : mapping of str to float
        The numbers behind the status.
    n_starts : int
        Starting points that were used.
    optima : xarray.Dataset, (optimum,)
        The distinct optima found, best first: ``log_density`` (of what was maximised), ``reached``
        (how many starts led there) and the natural-scale values.
    maximised : str
        What was maximised, in words.
    model : pymc.Model
        The model.
    objective : Objective
        What was maximised, as a function of the unconstrained vector.
    certificate : Certificate
        What was proven of the point, on the unconstrained scale.
    given_n : int or None
        Number of observations as the user gave it; None where it is counted.
    evaluations : int
        Points at which the density was evaluated in the search.
    """

    # ----------------------------------------------------------------------------------- values

    def __getitem__(self, name: str) -> xr.DataArray:
        """Return a variable at the point, natural scale: ``mle["beta"]`` is ``mle.point["beta"]``.

        Raises
        ------
        ModelError
            If the model has no free variable or Deterministic of that name.
        """
        if name not in self.keys():
            raise ModelError(
                f"The estimate has no variable {name!r}. It has {', '.join(self.keys())}."
            )
        return self.point[name]

    def __iter__(self) -> Iterator[str]:
        """Go through the names of the variables."""
        return iter(self.keys())

    def __contains__(self, name: object) -> bool:
        """Whether there is a variable of that name."""
        return name in self.keys()

    def keys(self) -> list[str]:
        """Return the names of the variables, so that ``dict(mle)`` holds their values.

        Returns
        -------
        list of str
            Every free variable and Deterministic.

        Examples
        --------
        >>> import bayes_point as bp, pymc as pm
        >>> with pm.Model() as coin:
        ...     theta = pm.Uniform("theta")
        ...     tosses = pm.Bernoulli("tosses", theta, observed=[1, 1, 1, 0])
        >>> mle = bp.find_MLE(coin, progressbar=False)
        >>> {name: float(value) for name, value in dict(mle).items()}
        {'theta': 0.75}
        """
        return [str(name) for name in self.point.data_vars]

    # ------------------------------------------------------------------------------ uncertainty

    def covariance(
        self,
        *,
        kind: Kind = "hessian",
        cluster: Cluster = None,
        scale: Literal["natural", "unconstrained"] = "natural",
        var_names: str | Sequence[str] | None = None,
        filter_vars: Literal["like", "regex"] | None = None,
        coords: Mapping[Hashable, Any] | None = None,
    ) -> xr.DataArray:
        """Return the covariance matrix of the estimator, (parameter, parameter_bis).

        On the unconstrained scale the inverse of the exact observed information; on the natural
        scale that, by the delta method with exact derivatives.  Of a MAP it is the Laplace
        covariance of the posterior.

        Parameters
        ----------
        kind : {"hessian", "sandwich", "opg"}
            The inverse of the observed information; the sandwich, which holds when the likelihood
            is not the true one [1]_; or the inverse of the outer product of the scores [2]_.  The
            last two are for an MLE, and know no factor for small samples (HC0).  With latent
            variables integrated out the scores are those of the blocks of latents that are
            independent of each other.
        cluster : str, array-like or mapping of str to array-like, optional
            For the sandwich: observations that depend on each other, by the name of a dim of the
            observed variables (a cluster at each of its positions) or as labels, one an
            observation; a mapping of such labels where several variables are observed.
        scale : {"natural", "unconstrained"}
            Natural are all free variables and Deterministics.
        var_names, filter_vars, coords
            What to select on the natural scale, as in ArviZ.

        Returns
        -------
        xarray.DataArray
            On the diagonal inf for what is not identified and NaN for what has no standard error,
            such as a parameter on a boundary, at which the others hold it fixed; the rows and
            columns of both are NaN.  ``attrs["notes"]`` gives the reasons, ``attrs["text"]`` says
            what covariance it is.

        Raises
        ------
        ModelError
            If an argument is none of those allowed, or does not go with the model.
        EstimationError
            If the estimate is no maximum: unbounded or not converged.

        References
        ----------
        .. [1] H. White (1982), Maximum likelihood estimation of misspecified models,
           https://doi.org/10.2307/1912526
        .. [2] E. K. Berndt, B. H. Hall, R. E. Hall, J. A. Hausman (1974), Estimation and inference
           in nonlinear structural models, Annals of Economic and Social Measurement 3(4).

        Examples
        --------
        >>> import bayes_point as bp, pymc as pm
        >>> with pm.Model() as coin:
        ...     theta = pm.Uniform("theta")
        ...     tosses = pm.Bernoulli("tosses", theta, observed=[1, 1, 1, 0])
        >>> mle = bp.find_MLE(coin, progressbar=False)
        >>> mle.covariance().values.round(6).tolist()  # 3/4 * 1/4 / 4
        [[0.046875]]
        """
        refuse_failed(self, "covariance")
        return covariance(
            self,
            kind=kind,
            cluster=cluster,
            scale=scale,
            var_names=var_names,
            filter_vars=filter_vars,
            coords=coords,
        )

    def correlation(self, **kwargs: Any) -> xr.DataArray:
        """Return the correlation matrix of the estimator, (parameter, parameter_bis).

        Parameters
        ----------
        **kwargs
            Those of `covariance`, of which this is the correlation.

        Returns
        -------
        xarray.DataArray
            NaN in the rows and columns of what has no standard error.

        Raises
        ------
        ModelError, EstimationError
            As in `covariance`.

        Examples
        --------
        A straight line through x = 1, 2, 3: the correlation of intercept and slope is that of the
        inverse of ((3, 6), (6, 14)), -6 / sqrt(42).

        >>> import bayes_point as bp, numpy as np, pymc as pm
        >>> with pm.Model() as line:
        ...     a, b = pm.Flat("a"), pm.Flat("b")
        ...     y = pm.Normal("y", a + b * np.array([1, 2, 3]), 1, observed=[1, 3, 2])
        >>> mle = bp.find_MLE(line, progressbar=False)
        >>> mle.correlation().values.round(4).tolist()
        [[1.0, -0.9258], [-0.9258, 1.0]]
        """
        matrix = self.covariance(**kwargs)
        variance = np.diag(matrix.values)
        with np.errstate(invalid="ignore", divide="ignore"):
            values = matrix.values / np.sqrt(np.outer(variance, variance))
        np.fill_diagonal(
            values, np.where(variance > 0, np.where(np.isfinite(variance), 1, np.nan), np.nan)
        )
        return matrix.copy(data=values)

    def stderr(self, *, kind: Kind = "hessian", cluster: Cluster = None) -> xr.Dataset:
        """Return the standard error of every free variable and Deterministic, natural scale.

        Parameters
        ----------
        kind, cluster
            As in `covariance`.

        Returns
        -------
        xarray.Dataset
            Shaped as `point`.  inf where the data do not identify the quantity and NaN where it has
            no standard error: on a boundary, at a kink, where its derivative vanishes.
            ``attrs["notes"]`` of a variable says why, one scalar a line.

        Raises
        ------
        ModelError, EstimationError
            As in `covariance`.

        Examples
        --------
        >>> import bayes_point as bp, pymc as pm
        >>> with pm.Model() as coin:
        ...     theta = pm.Uniform("theta")
        ...     tosses = pm.Bernoulli("tosses", theta, observed=[1, 1, 1, 0])
        >>> se = bp.find_MLE(coin, progressbar=False).stderr()
        >>> se["theta"].item().__round__(6)  # the square root of 3/4 * 1/4 / 4
        0.216506
        """
        refuse_failed(self, "standard error")
        return stderr(self, kind=kind, cluster=cluster)

    def conf_int(
        self,
        *,
        ci_prob: float | None = None,
        method: Method = "profile",
        kind: Kind | Literal["parametric", "nonparametric"] = "hessian",
        cluster: Cluster = None,
        var_names: str | Sequence[str] | None = None,
        filter_vars: Literal["like", "regex"] | None = None,
        coords: Mapping[Hashable, Any] | None = None,
        max_seconds: float | None = None,
        **bootstrap_kwargs: Any,
    ) -> xr.Dataset:
        """Return confidence intervals on the natural scale.

        Parameters
        ----------
        ci_prob : float, optional
            Probability of the intervals; ``rcParams["stats.ci_prob"]`` of ArviZ by default.
        method : {"profile", "wald", "bootstrap"}
            ``"profile"``: where the profile likelihood is within a chi-squared quantile of its
            maximum; it follows the shape of the likelihood, and holds on a boundary.
            ``"wald"``: estimate and standard error alone, at no further cost; made on the
            unconstrained scale and mapped back, for what is a monotone function of one coordinate.
            Elements of a simplex, and other free scalars of a bounded support, get theirs on the
            log or logit scale of that support; other Deterministics on the natural scale, where an
            end may leave the values that they can take.
            ``"bootstrap"``: from refits to data that the model simulates, or to resampled ones
            with ``kind="nonparametric"``; see `bootstrap`.
        kind, cluster
            Of the standard errors, for ``"wald"``; as in `covariance`.
        var_names, filter_vars, coords
            What to select, as in ArviZ; by default the free variables.
        max_seconds : float, optional
            When to stop following profiles; by default never.  Ends that were not reached by then
            are NaN, with a note that says how far the profile had been followed.  A bootstrap is
            made of the refits done by then, with percentiles where there was no time for the
            jackknife.
        **bootstrap_kwargs
            Further arguments of `bootstrap`, such as ``n`` and ``random_seed``; and ``interval``,
            ``"bca"`` (the default) or ``"percentile"`` (the default where latent variables were
            integrated out).

        Returns
        -------
        xarray.Dataset
            With the dim ``ci_bound`` (lower, upper) last.  ``attrs["notes"]`` of a variable says
            why an end is open or missing, one scalar a line.

        Raises
        ------
        ModelError
            If an argument is none of those allowed.
        EstimationError
            If the estimate is no maximum: unbounded or not converged.

        Examples
        --------
        >>> import bayes_point as bp, pymc as pm
        >>> with pm.Model() as coin:
        ...     theta = pm.Uniform("theta")
        ...     tosses = pm.Bernoulli("tosses", theta, observed=[1, 1, 1, 0])
        >>> mle = bp.find_MLE(coin, progressbar=False)
        >>> mle.conf_int(ci_prob=0.95, method="wald")["theta"].values.round(4).tolist()
        [0.2378, 0.9665]
        """
        refuse_failed(self, "confidence interval")
        return conf_int(
            self,
            ci_prob=ci_prob,
            method=method,
            kind=kind,
            cluster=cluster,
            var_names=var_names,
            filter_vars=filter_vars,
            coords=coords,
            max_seconds=max_seconds,
            options=bootstrap_kwargs,
        )

    def predict(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        var_names: str | Sequence[str] | None = None,
        coords: Mapping[str, Any] | None = None,
    ) -> xr.Dataset:
        """Return what the model computes from new data at the estimate, with standard errors.

        Parameters
        ----------
        data : mapping of str to array-like, optional
            New values of ``pm.Data`` of the model; by default those it has.  The model itself
            keeps its data.
        var_names : str or sequence of str, optional
            Deterministics to compute, all by default.
        coords : mapping, optional
            New labels of dims, as in `pymc.set_data`.

        Returns
        -------
        xarray.Dataset
            The Deterministics, with the dim ``quantity`` (estimate, se) first.  The standard error
            is by the delta method: that of the value itself, not of a new observation about it.

        Raises
        ------
        ModelError
            If the data are not those of the model, or do not go together.
        EstimationError
            If the estimate is no maximum: unbounded or not converged.

        Examples
        --------
        A line through (1, 1), (2, 3), (3, 2) with a known sd of 1, at x = 4: 2 + 0.5 (4 - 2) = 3
        with the variance 1/3 + 4/2.

        >>> import bayes_point as bp, pymc as pm
        >>> with pm.Model() as line:
        ...     x = pm.Data("x", [1.0, 2.0, 3.0])
        ...     mu = pm.Deterministic("mu", pm.Flat("a") + pm.Flat("b") * x)
        ...     y = pm.Normal("y", mu, 1, observed=[1, 3, 2])
        >>> mle = bp.find_MLE(line, progressbar=False)
        >>> mle.predict({"x": [4.0]})["mu"].values.round(3).tolist()
        [[3.0], [1.528]]
        """
        return predict(self, data, var_names=var_names, coords=coords)

    @property
    def latents(self) -> xr.Dataset:
        """What was integrated out, and what depends on it: conditional modes with their errors.

        Returns
        -------
        xarray.Dataset
            The latent variables, and the Deterministics that depend on them, with the dim
            ``quantity`` before their own:

            - ``mode``: where the variable is most probable, given the data and the parameters at
              their estimate (the conditional mode; of a linear mixed model the BLUP)
            - ``sd_given_parameters``: its standard deviation there, the parameters held fixed
            - ``sd``: the same with what the uncertainty of the parameters adds [1]_; NaN where
              they have none, as where the estimate is no maximum

            A discrete variable ``k`` that was summed out has the dim ``k_value`` after its own
            instead: the probability of each value, given the data and the parameters.

        Raises
        ------
        ModelError
            If nothing was integrated out.

        References
        ----------
        .. [1] K. Kristensen, A. Nielsen, C. W. Berg, H. Skaug, B. M. Bell (2016), TMB: automatic
           differentiation and Laplace approximation, https://doi.org/10.18637/jss.v070.i05

        Examples
        --------
        Two groups about a mean of zero with a variance of 1, two measurements in each with a
        variance of 1: the mode is 2/3 of the mean of a group, its variance 1/3.

        >>> import bayes_point as bp, pymc as pm
        >>> with pm.Model(coords={"group": ["A", "B"]}) as model:
        ...     mu = pm.Flat("mu")
        ...     effect = pm.Normal("effect", 0, 1, dims="group")
        ...     y = pm.Normal("y", mu + effect[[0, 0, 1, 1]], 1, observed=[-2, -1, 1, 2])
        >>> mle = bp.find_MLE(model, marginalize=["effect"], progressbar=False)
        >>> mle.latents["effect"].sel(quantity="mode").values.round(3).tolist()
        [-1.0, 1.0]
        >>> mle.latents["effect"].sel(quantity="sd_given_parameters").values.round(3).tolist()
        [0.577, 0.577]
        """
        return latents(self)

    @property
    def information(self) -> Information:
        """The observed information on the unconstrained scale, and what it does not measure."""
        refuse_failed(self, "information")
        return information(self)

    @property
    def quantities(self) -> Quantities:
        """The natural-scale scalars with their derivatives by the unconstrained vector."""
        return natural_quantities(self)

    # ----------------------------------------------------------------------- likelihood criteria

    @property
    def n_parameters(self) -> int:
        """Number of free parameters, as coordinates of the unconstrained vector.

        A simplex of K counts K - 1, a K by K covariance K (K + 1) / 2.  Directions that are not
        identified do not count: the likelihood does not change along them.
        """
        return n_parameters(self)

    @property
    def n_observations(self) -> int:
        """Number of observed scalars, or what `find_MLE` was given for it.

        Each observed value counts, whether or not the values have one density together, as those
        of a time series or of a Gaussian process have; but counts of a multinomial, and shares,
        count once a vector.  Missing values do not count.  A Potential that is part of the
        likelihood counts by its elements.
        """
        return n_observations(self)

    @property
    def aic(self) -> float:
        """Akaike's criterion of an MLE, 2 k - 2 log-likelihood (https://doi.org/10.1109/TAC.1974.1100705).

        The log-likelihood is complete, with all its constants.
        """
        return aic(self)

    @property
    def aicc(self) -> float:
        """AIC + 2 k (k + 1) / (n - k - 1), NaN for n <= k + 1 (https://doi.org/10.1093/biomet/76.2.297)."""
        return aicc(self)

    @property
    def bic(self) -> float:
        """Schwarz's criterion, k log(n) - 2 log-likelihood (https://doi.org/10.1214/aos/1176344136)."""
        return bic(self)

    # ------------------------------------------------------------------------------------ output

    def to_dataframe(
        self,
        *,
        ci_prob: float | None = None,
        kind: Kind = "hessian",
        cluster: Cluster = None,
        tests: bool = False,
    ) -> pd.DataFrame:
        """Return the coefficient table: one row a scalar.

        Parameters
        ----------
        ci_prob : float, optional
            Probability of the intervals; ``rcParams["stats.ci_prob"]`` of ArviZ by default.
        kind, cluster
            Of the standard errors, as in `covariance`.
        tests : bool
            Whether to add the Wald test of each scalar being 0, of an MLE: ``z``, estimate over
            standard error, and ``p``, two-sided.  NaN for what cannot be on both sides of 0.

        Returns
        -------
        pandas.DataFrame
            Indexed by the name of the parameter, with the columns ``estimate``, ``se``, the Wald
            interval as in `conf_int` (``ci89_lb`` and ``ci89_ub`` for 0.89), ``status``
            (``"converged"``, or what is wrong with this one) and ``error notes`` (why there is no
            standard error, or what it holds fixed).

        Examples
        --------
        >>> import bayes_point as bp, pymc as pm
        >>> with pm.Model() as coin:
        ...     theta = pm.Beta("theta", 2, 2)
        ...     tosses = pm.Bernoulli("tosses", theta, observed=[1, 1, 1])
        >>> bp.find_MAP(coin, progressbar=False).to_dataframe()["estimate"].round(3).to_dict()
        {'theta': 0.8}
        """
        truth_value("tests", tests)
        return coefficients(self, ci_prob=ci_prob, kind=kind, cluster=cluster, tests=tests)

    def to_datatree(self) -> xr.DataTree:
        """Return the estimate as a tree that ArviZ reads: the point as one chain of one draw.

        Returns
        -------
        xarray.DataTree
            The point in the group ``posterior``, with what is known of it beside it.
        """
        return as_datatree(self)

    def __str__(self) -> str:
        return as_text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return as_html(self)

"""The report as a document: sections in their order, one page, one file."""

from __future__ import annotations

import html
import os
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayes_point.errors import ReportError
from bayes_point.saving import replace_file

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Report", "report"]


@dataclass(frozen=True, repr=False)
class Report:
    """A report that `report` made: one HTML page with its figures and styles inside.

    In a notebook it shows itself. `save` writes it to a file.

    Attributes
    ----------
    title : str
        Title of the page.
    headline : str
        What the page says first: how far the MAP lies from the posterior mean, and whether that
        matters.
    html : str
        The whole page.
    """

    title: str
    headline: str
    html: str = field(repr=False)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to `path`; a file that is there is replaced whole or not at all.

        Parameters
        ----------
        path : path-like
            The file to write, ``.html``, in a directory that exists.

        Returns
        -------
        pathlib.Path
            `path`.

        Raises
        ------
        FileNotFoundError, IsADirectoryError
            The directory of `path` does not exist, or `path` is a directory.
        ReportError
            If it is no name, or ends as that of another kind of file does.
        """
        if not isinstance(path, str | os.PathLike) or not str(path):
            raise ReportError(
                f"path must be the name of a file that ends in .html, got {path!r}. Give for "
                "instance save('report.html')."
            )
        suffix = Path(path).suffix
        if suffix.lower() not in (".html", ".htm") and not Path(path).is_dir():
            raise ReportError(
                f"A report is an HTML page: got {os.fspath(path)!r}, which has to end in .html or "
                ".htm. For a PDF, save the page, open it in a browser and print it to a file."
            )
        return replace_file(path, lambda p: p.write_text(self.html, encoding="utf-8"))

    def __repr__(self) -> str:
        """Title and headline; the page itself is in `html`."""
        return f"<Report {self.title!r}: {self.headline} ({len(self.html) / 1000:,.0f} kB)>"

    def _repr_html_(self) -> str:
        # A page of its own inside the notebook: its styles and ids cannot reach the notebook's.
        # Without the base, a link to a section would lead to the notebook's address.
        page = self.html.replace("<head>", '<head><base href="about:srcdoc">', 1)
        return (
            f'<iframe title="{html.escape(self.title)}" srcdoc="{html.escape(page)}" '
            'sandbox="allow-downloads" loading="lazy" '
            'style="width: 100%; height: 42rem; border: 1px solid #8886; border-radius: 4px">'
            "</iframe>"
        )


def report(
    dt: xr.DataTree,
    *,
    title: str | None = None,
    var_names: str | Sequence[str] | None = None,
    filter_vars: str | None = None,
    coords: Mapping[Hashable, Any] | None = None,
    ci_prob: float | None = None,
    ci_kind: str | None = None,
    margin: float = 0.1,
    large: float = 0.5,
    coverage: float = 0.9,
    loss: float = 0.01,
    level: float = 0.01,
) -> Report:
    """Report on a fit: where MLE, MAP and posterior mean sit, and how far apart they are.

    The page opens with the verdict on either estimate (see `verdict`), then has the parameters as
    a table that can be downloaded as CSV, their gaps as a figure, the causes of those that are not
    negligible (see `explain`), the cost in prediction of plugging in an estimate (where the fit
    holds it, see ``details`` of `fit`), the health of the sampler, and the model and its data. What
    each estimate maximised and how it was found, densities, pairs, profiles, the path from MLE to
    MAP, the check of the Laplace approximation and the posterior predictive check are folded away.
    It is one file and loads nothing from anywhere.

    Parameters
    ----------
    dt : xarray.DataTree
        What `fit` returned, or the same read back from a file.
    title : str, optional
        Title of the page, by default made of the model's name.
    var_names : str or sequence of str, optional
        Variables to report on, by default all that have a prior. As in ArviZ, ``~`` in front
        excludes.
    filter_vars : {None, "like", "regex"}, optional
        How `var_names` are understood, as in ArviZ.
    coords : mapping, optional
        Coordinate values to select.
    ci_prob : float, optional
        Probability of the intervals, ``rcParams["stats.ci_prob"]`` of ArviZ by default.
    ci_kind : {"hdi", "eti"}, optional
        Kind of the intervals, ``rcParams["stats.ci_kind"]`` of ArviZ by default.
    margin, large, coverage, loss, level : float
        Thresholds of the verdict, as in `verdict`.

    Returns
    -------
    Report
        With `save`; shows itself in a notebook.

    Raises
    ------
    ComparisonError
        If `dt` is not the tree of a fit, or the selection names what is not there.
    ReportError
        If a section fails. Its name is in the message and in the attribute ``section``; what it
        raised is the cause. No section is left out for having failed.

    See Also
    --------
    fit : Find MLE and MAP, sample the posterior, and put all three into one DataTree.
    verdict : Whether the distance of a point estimate from the posterior mean matters.

    Examples
    --------
    With ``dt = bp.fit(coin, random_seed=1)``, three heads of three tosses:

    >>> import bayes_point as bp
    >>> page = bp.report(dt, title="Three tosses", var_names="theta")
    >>> print(page.title)
    Three tosses
    >>> page.save("coin.html")  # doctest: +SKIP
    """
    # Imported here: the package's table of contents names this function, and must stay light.
    from bayes_point.comparison.distance.verdict import check_thresholds
    from bayes_point.comparison.inputs.marginal import headline
    from bayes_point.comparison.inputs.validate import interval_arguments
    from bayes_point.report.page import make_page
    from bayes_point.report.request import Request

    prob, kind = interval_arguments(ci_prob, ci_kind)
    selection = {"var_names": var_names, "filter_vars": filter_vars, "coords": coords}
    thresholds = check_thresholds(margin, large, coverage, loss, level)
    page = make_page(Request(headline(dt), selection, prob, kind, thresholds), title)
    return Report(title=page.title, headline=page.headline, html=page.html)

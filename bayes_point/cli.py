"""The ``bayes-point`` command.

Everything heavy is imported where it is needed, so that ``--help`` and a mistyped path answer at
once.
"""

from __future__ import annotations

import logging
import math
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bayes_point import __version__
from bayes_point.errors import BayesPointError, BayesPointWarning, DetailError
from bayes_point.saving import check_target, replace_file

if TYPE_CHECKING:
    import xarray as xr

INPUT_ERROR, UNEXPECTED, INTERRUPTED = 2, 1, 130
"""Exit codes: the input cannot be used; a fault of ours or of a library; Ctrl-C."""

SAMPLING_OPTIONS = (
    "draws",
    "tune",
    "chains",
    "seed",
    "target_accept",
    "save",
    "quick",
    "details",
    "max_seconds",
    "marginalize",
)
"""Options that mean nothing for a fit that is already there."""

DETAILS = ("laplace", "profile", "prior_path", "predictive_cost")
"""Those of `fit`, which is not loaded for --help."""

MAX_DRAWS = 1_000_000
"""Of a chain: of one parameter 8 MB, and more than any verdict asks for."""

MAX_ROWS = 40
"""Rows of the summary that the terminal gets; the report has them all."""


class _Group(click.Group):
    """A group whose every failure is one sentence on stderr and an exit code."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        kwargs["standalone_mode"] = False
        try:
            code = super().main(*args, **kwargs)
        except click.exceptions.NoArgsIsHelpError as err:
            err.show()
            code = INPUT_ERROR
        except click.UsageError as err:
            where = f" (see '{err.ctx.command_path} --help')" if err.ctx else ""
            _say(f"Error: {err.format_message().rstrip('.')}{where}.")
            code = INPUT_ERROR
        except click.Abort:
            _say("Interrupted.")
            code = INTERRUPTED
        sys.exit(code)


def _finite(_: click.Context, param: click.Parameter, value: float | None) -> float | None:
    """Refuse nan and infinity, which pass the comparisons of a range."""
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(f"{value} is not a finite number.", param=param)
    return value


def _names(_: click.Context, param: click.Parameter, value: str | None) -> list[str] | None:
    """Split names at commas."""
    if value is None:
        return None
    names = [name.strip() for name in value.split(",")]
    if not all(names):
        raise click.BadParameter(f"{value!r} has an empty name.", param=param)
    return names


def _marginalized(ctx: click.Context, param: click.Parameter, value: str) -> str | list[str] | None:
    """Return names, split at commas, or the words that stand for all and for none."""
    if value in ("latents", "none"):
        return None if value == "none" else value
    return _names(ctx, param, value)


def _details(ctx: click.Context, param: click.Parameter, value: str | None) -> list[str] | None:
    """Split names at commas, and see that there are such details."""
    names = _names(ctx, param, value)
    for name in names or ():
        if name not in DETAILS:
            raise click.BadParameter(f"{name!r} is none of {', '.join(DETAILS)}.", param=param)
    return names


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bayes-point")
def main() -> None:
    """MLE, MAP and posterior of a PyMC model: how far apart they are, and why."""


@main.command()
@click.argument("source", metavar="MODEL.py[:NAME] | FIT.nc")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE.html",
    help="Where to write the report.  [default: name of the source + .html, here]",
)
@click.option(
    "--draws",
    type=click.IntRange(min=4, max=MAX_DRAWS),
    default=1000,
    metavar="N",
    show_default=True,
    help="Posterior draws of each chain.",
)
@click.option(
    "--tune",
    type=click.IntRange(min=0, max=MAX_DRAWS),
    default=1000,
    metavar="N",
    show_default=True,
    help="Tuning steps of each chain, not kept.",
)
@click.option(
    "--chains",
    type=click.IntRange(min=1),
    metavar="N",
    help="Number of chains.  [default: the sampler's own]",
)
@click.option(
    "--seed", type=click.IntRange(min=0), metavar="N", help="Random seed, to get the same again."
)
@click.option(
    "--save",
    type=click.Path(path_type=Path),
    metavar="FIT.nc",
    help="Keep the fit as well; 'bayes-point report FIT.nc' reports on it again.",
)
@click.option(
    "--quick",
    is_flag=True,
    help="Leave out the profiles, the path from MLE to MAP, the cost in prediction and the check "
    "of the Laplace approximation.",
)
@click.option(
    "--target-accept",
    type=click.FloatRange(min=0, max=1, min_open=True, max_open=True),
    metavar="P",
    help="Acceptance rate that the sampler aims at: higher is slower, with fewer divergences.",
)
@click.option(
    "--details",
    metavar="NAMES",
    callback=_details,
    help="Compute these whatever they take, and no others: some of laplace, profile, prior_path, "
    "predictive_cost, with commas.",
)
@click.option(
    "--marginalize",
    callback=_marginalized,
    default="latents",
    show_default=True,
    metavar="NAMES",
    help="Variables to integrate out for a marginal MLE and MAP, with commas; 'latents' takes all "
    "that are latent, 'none' none.",
)
@click.option(
    "--max-seconds",
    type=click.FloatRange(min=0, min_open=True),
    callback=_finite,
    metavar="S",
    help="What the searches for MLE and MAP may take, and the details as much again; the sampling "
    "is not limited.",
)
@click.option("--title", help="Title of the report.")
@click.option(
    "--var-names",
    metavar="NAMES",
    callback=_names,
    help="Variables to report on, with commas.  [default: all that have a prior]",
)
@click.option(
    "--ci-prob",
    type=click.FloatRange(min=0, max=1, min_open=True),
    callback=_finite,
    metavar="P",
    help="Probability of the intervals.  [default: ArviZ's, 0.89]",
)
@click.option(
    "--margin",
    type=click.FloatRange(min=0, min_open=True),
    callback=_finite,
    default=0.1,
    metavar="SD",
    show_default=True,
    help="Gap, in posterior sd, from which on it is called small and not negligible.",
)
@click.option(
    "--level",
    type=click.FloatRange(min=0, max=0.5, min_open=True, max_open=True),
    callback=_finite,
    default=0.01,
    metavar="P",
    show_default=True,
    help="Probability that the verdict calls noise a difference.",
)
@click.option(
    "-q",
    "--quiet",
    "--no-progress",
    "quiet",
    is_flag=True,
    help="No progress: only the table and the path of the report.",
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def report(
    ctx: click.Context,
    source: str,
    output: Path | None,
    title: str | None,
    var_names: list[str] | None,
    ci_prob: float | None,
    margin: float,
    level: float,
    quiet: bool,
    debug: bool,
    **sampling: Any,
) -> int:
    """Fit a PyMC model and write an HTML report on its MLE, MAP and posterior.

    MODEL.py is a Python file with a pymc.Model at its top level; NAME says which one if it holds
    several. FIT.nc is a fit kept by --save. Prints the summary table and the path of the report.
    """
    try:
        path, name = _parse_source(source)
        output = Path(f"{path.stem}.html") if output is None else output
        save, unsaved = sampling.pop("save"), None
        _check_target(output, "--output", (".html", ".htm"))
        if sampling["quick"] and sampling["details"]:
            raise BayesPointError("--quick computes no details: leave out either it or --details")
        if path.suffix == ".nc":
            _refuse_sampling_options(ctx, path)
            tree = _load(path)
            _check_whole(tree)
        else:
            if save is not None:
                _check_target(save, "--save", (".nc",))
            try:
                tree = _fit(path, name, quiet, sampling)
            except DetailError as err:
                # Without that detail; the draws are not lost with it.
                kept = Path(f"{path.stem}.nc") if save is None else save
                _save(err.tree, kept)
                raise DetailError(f"{err} It is saved in {kept}.") from err
            if save is not None:
                unsaved = _try_to_save(tree, save)
        thresholds = {"margin": margin, "level": level}
        shown = {"var_names": var_names, "ci_prob": ci_prob}
        try:
            _print_summary(tree, shown, thresholds)
            _progress("Drawing the report …", quiet)
            click.echo(_write_report(tree, title, shown | thresholds, output))
        except BayesPointError as err:
            if path.suffix == ".nc" or (save is not None and unsaved is None):
                raise
            raise BayesPointError(f"{err} {_rescued(tree, Path(f'{path.stem}.nc'))}") from err
        if unsaved is not None:
            raise unsaved
    except BayesPointError as err:
        return _failed(err, str(err), INPUT_ERROR, debug)
    except OSError as err:
        return _failed(err, _os_error(err), INPUT_ERROR, debug)
    except Exception as err:
        from bayes_point.model_file import in_one_line

        hint = "" if debug else " (--debug shows where)"
        return _failed(err, f"unexpected {in_one_line(err)}{hint}", UNEXPECTED, debug)
    return 0


def _parse_source(source: str) -> tuple[Path, str | None]:
    """Split FILE.py:name, and see that the file is there and of a kind we read."""
    path, name = Path(source), None
    if not path.exists() and ":" in source:
        head, _, tail = source.rpartition(":")
        if head.endswith((".py", ".nc")) and tail.isidentifier():
            path, name = Path(head), tail
    if not path.exists():
        raise BayesPointError(f"there is no file {path}")
    if path.is_dir():
        raise BayesPointError(f"{path} is a directory; give a Python file or a saved fit (.nc)")
    if path.suffix not in (".py", ".nc"):
        raise BayesPointError(
            f"{path} is neither a Python file that holds a model (.py) nor a saved fit (.nc)"
        )
    if path.suffix == ".nc" and name is not None:
        raise BayesPointError(f"{path} is a saved fit, and holds no variable {name!r} to choose")
    return path, name


def _refuse_sampling_options(ctx: click.Context, path: Path) -> None:
    given = [
        f"--{option.replace('_', '-')}"
        for option in SAMPLING_OPTIONS
        if ctx.get_parameter_source(option) is click.core.ParameterSource.COMMANDLINE
    ]
    if given:
        raise BayesPointError(
            f"{path} is already sampled: {', '.join(given)} can be given only with a model (.py)"
        )


def _check_target(path: Path, option: str, suffixes: tuple[str, ...]) -> None:
    """Find out now, not after minutes of sampling, that `path` cannot be written."""
    directory = path.resolve().parent
    if path.suffix not in suffixes:
        raise BayesPointError(f"{option} {path} must end in {' or '.join(suffixes)}")
    if path.is_dir():
        raise BayesPointError(f"{option} {path} is a directory; give the name of a file")
    if not directory.is_dir():
        raise BayesPointError(f"{option} {path}: there is no directory {directory}; create it")
    try:
        check_target(path)
    except OSError as err:
        raise BayesPointError(
            f"{option} {path} cannot be written: {err.strerror}; give another path"
        ) from err


def _load(path: Path) -> xr.DataTree:
    import xarray as xr

    try:
        with xr.open_datatree(path, engine="h5netcdf") as tree:
            return tree.load()
    except Exception as err:
        # xarray and HDF5 raise a dozen types here; each means that this is not such a file.
        raise BayesPointError(
            f"{path} cannot be read as a saved fit: it is not netCDF, or damaged; "
            "make it again with 'bayes-point report MODEL.py --save FIT.nc'"
        ) from err


def _check_whole(tree: xr.DataTree) -> None:
    from bayes_point.comparison.inputs.validate import posterior_of
    from bayes_point.comparison.inputs.wholeness import check_whole

    posterior_of(tree)
    check_whole(tree)


def _fit(path: Path, name: str | None, quiet: bool, sampling: dict[str, Any]) -> xr.DataTree:
    from bayes_point.model_file import importable, load_model

    with importable(path.parent), _quiet_log(quiet):
        _progress(f"Running {path} …", quiet)
        name, model = load_model(path, name)
        _progress(f"Fitting {name} …", quiet)
        from bayes_point.fitting import fit

        accept = sampling["target_accept"]
        options: dict[str, Any] = (
            {} if accept is None else {"sample_kwargs": {"target_accept": accept}}
        )
        # The samplers' progress goes where ours goes, so that stdout is the table and the path.
        with warnings.catch_warnings(), redirect_stdout(sys.stderr):
            # What these warn of is read from the tree and printed under the table.
            warnings.simplefilter("ignore", BayesPointWarning)
            tree = fit(
                model,
                marginalize=sampling["marginalize"],
                draws=sampling["draws"],
                tune=sampling["tune"],
                chains=sampling["chains"],
                random_seed=sampling["seed"],
                details=sampling["details"] or not sampling["quick"],
                max_seconds=sampling["max_seconds"],
                progressbar=not quiet,
                **options,
            )
    if not tree.attrs.get("model_name"):
        tree.attrs["model_name"] = path.stem.replace("_", " ")
    return tree


def _save(tree: xr.DataTree, path: Path) -> None:
    # In memory first: where the disk is full, HDF5 takes the process down, and the draws with it.
    data = tree.to_netcdf(engine="h5netcdf", encoding=_checksums(tree))
    replace_file(path, lambda p: p.write_bytes(data))


def _try_to_save(tree: xr.DataTree, path: Path) -> OSError | None:
    """Save a fit; return the error by which that failed: the report can still be written."""
    try:
        _save(tree, path)
    except OSError as err:
        return err
    return None


def _rescued(tree: xr.DataTree, path: Path) -> str:
    """Save a fit of which no report could be made, under a free name; say where."""
    path = next(p for i in count() if not (p := path.with_stem(path.stem + "_" * i)).exists())
    unsaved = _try_to_save(tree, path)
    return f"The fit is saved in {path}." if unsaved is None else "The fit could not be saved."


def _checksums(tree: xr.DataTree) -> dict[str, dict[str, Any]]:
    """Return the encoding by which HDF5 tells numbers that were damaged on the disk from others."""
    return {
        node.path: {
            str(name): {"fletcher32": True, "chunksizes": array.shape}
            for name, array in node.dataset.variables.items()
            if array.dtype.kind in "iuf" and array.ndim and array.size
        }
        for node in tree.subtree
    }


def _write_report(
    tree: xr.DataTree, title: str | None, options: dict[str, Any], output: Path
) -> Path:
    import matplotlib as mpl

    from bayes_point.report import report as make_report

    # This process draws to files only; a backend that the environment names may want a screen.
    mpl.use("agg")
    return make_report(tree, title=title, **options).save(output)


def _print_summary(tree: xr.DataTree, shown: dict[str, Any], thresholds: dict[str, Any]) -> None:
    """Print the verdict, the table, and under it what is wrong with estimates and draws."""
    from bayes_point.comparison.distance.health import sampler_health
    from bayes_point.comparison.distance.verdict import verdict
    from bayes_point.comparison.tables import summary
    from bayes_point.report.sections.estimates import findings_in_words

    click.echo(str(verdict(tree, var_names=shown["var_names"], **thresholds)))
    click.echo("")
    table = summary(tree, **shown)
    click.echo(table.head(MAX_ROWS).to_string())
    if len(table) > MAX_ROWS:
        click.echo(f"… and {len(table) - MAX_ROWS} more rows in the report")
    problems = [f"Sampler: {problem}" for problem in sampler_health(tree).problems]
    for sentence in [*table.notes, *findings_in_words(tree), *problems]:
        click.echo(sentence)


@contextmanager
def _quiet_log(quiet: bool) -> Iterator[None]:
    import pymc  # noqa: F401  (its first import sets the level of its log: let that be before)

    logger = logging.getLogger("pymc")
    level = logger.level
    if quiet:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _os_error(err: OSError) -> str:
    return f"{err.filename}: {err.strerror}" if err.filename and err.strerror else str(err)


def _failed(err: BaseException, message: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exception(err)
    _say(f"Error: {message.rstrip('.')}.")
    return code


def _progress(message: str, quiet: bool) -> None:
    if not quiet:
        _say(message)


def _say(message: str) -> None:
    click.echo(message, err=True)

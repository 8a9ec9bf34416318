"""The command: what it prints, what it writes, and how it fails."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import xarray as xr
from click.testing import CliRunner, Result

import bayes_point.cli as cli
from bayes_point.errors import DetailError, EstimationWarning, ModelError, ReportError
from tests.trees import coin_tree, failed_tree, many_tree

MODEL = """\
import pymc as pm

with pm.Model() as coin:
    theta = pm.Beta("theta", 2, 2)
    pm.Bernoulli("tosses", theta, observed=[1, 1, 1])
"""


class Fit:
    """Stands in for ``bayes_point.fitting.fit``: hands out a tree, keeps what it was given."""

    def __init__(self, tree: xr.DataTree, error: BaseException | None = None) -> None:
        self.tree, self.error = tree, error
        self.models: list[object] = []
        self.options: dict[str, object] = {}

    def __call__(self, model: object, **options: object) -> xr.DataTree:
        import warnings

        self.models.append(model)
        self.options = options
        if self.error is not None:
            raise self.error
        warnings.warn("the MLE is on the boundary", EstimationWarning, stacklevel=2)
        return self.tree


@pytest.fixture
def fit(monkeypatch: pytest.MonkeyPatch) -> Fit:
    return install(monkeypatch, Fit(coin_tree(draws=100)))


def install(monkeypatch: pytest.MonkeyPatch, fit: Fit) -> Fit:
    module = ModuleType("bayes_point.fitting")
    module.fit = fit  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "bayes_point.fitting", module)
    return fit


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "coin_flip.py").write_text(MODEL)
    return tmp_path


@pytest.fixture
def no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the drawing out where only what is printed matters."""
    monkeypatch.setattr(cli, "_write_report", lambda tree, title, options, output: output)


def run(*args: object) -> Result:
    return CliRunner().invoke(cli.main, [str(a) for a in args])


def fails(*args: object, code: int = 2) -> str:
    """Run, expect failure, and return the one sentence without what told of the progress."""
    result = run(*args)
    assert result.exit_code == code, result.output
    lines = [x for x in result.stderr.splitlines() if not x.endswith("…")]
    assert len(lines) == 1
    assert "Traceback" not in result.output
    assert lines[0].endswith(".")
    return lines[0]


def test_report_writes_the_page_and_prints_the_table_and_the_path(here: Path, fit: Fit) -> None:
    result = run("report", "coin_flip.py", "--draws", 7, "--tune", 5, "--chains", 3, "--seed", 11)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == "coin_flip.html"
    assert "theta" in result.stdout
    # A Deterministic has to be asked for.
    assert "\ntwo_heads " not in result.stdout
    assert (here / "coin_flip.html").read_text().startswith("<!DOCTYPE html>")
    assert fit.options == {
        "draws": 7,
        "tune": 5,
        "chains": 3,
        "random_seed": 11,
        "details": True,
        "marginalize": "latents",
        "max_seconds": None,
        "progressbar": True,
    }
    assert [v.name for v in fit.models[0].free_RVs] == ["theta"]  # type: ignore[attr-defined]
    assert "Running coin_flip.py" in result.stderr


@pytest.mark.usefixtures("no_page")
def test_quick_leaves_the_details_out(here: Path, fit: Fit) -> None:
    assert run("report", "coin_flip.py", "--quick").exit_code == 0
    assert fit.options["details"] is False


def test_the_thresholds_of_the_verdict(here: Path, fit: Fit) -> None:
    # The MAP of the tree is .53 sd from the mean.
    result = run("report", "coin_flip.py", "--quiet", "--margin", 1.5, "--level", 0.05)
    assert result.stdout.startswith("The MAP is within 1.5 sd of the posterior mean everywhere")
    page = (here / "coin_flip.html").read_text()
    assert "small if it is 1.5 posterior sd or more" in page
    assert "at most 5%" in page
    for option, value in (
        ("--margin", 0),
        ("--margin", "nan"),
        ("--margin", "inf"),
        ("--level", 0.5),
        ("--level", "nan"),
        ("--margin", "far"),
        ("--draws", 10**20),
        ("--ci-prob", "nan"),
        ("--ci-prob", 89),
        ("--target-accept", 1),
        ("--details", "profiles"),
        ("--var-names", "a,,b"),
    ):
        text = fails("report", "coin_flip.py", option, value)
        assert f"Invalid value for '{option}'" in text


@pytest.mark.usefixtures("no_page")
def test_what_is_shown_and_computed_can_be_chosen(here: Path, fit: Fit) -> None:
    result = run(
        "report", "coin_flip.py", "--var-names", "two_heads", "--ci-prob", 0.5,
        "--details", "profile, laplace", "--target-accept", 0.95,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "two_heads" in result.stdout
    assert "eti50_lb" in result.stdout
    assert "\ntheta " not in result.stdout
    assert fit.options["details"] == ["profile", "laplace"]
    assert fit.options["sample_kwargs"] == {"target_accept": 0.95}
    assert "--quick computes no details" in fails(
        "report", "coin_flip.py", "--quick", "--details", "profile"
    )


@pytest.mark.usefixtures("no_page")
def test_the_status_of_an_estimate_that_did_not_converge_is_printed(here: Path, fit: Fit) -> None:
    result = run("report", "coin_flip.py", "--quiet")
    lines = result.stdout.splitlines()
    assert "* MLE (on boundary): the maximum lies on the boundary of the support" in lines
    assert (
        "MLE: theta = 1 lies on the edge of its support [0, 1]. Use the MAP or the posterior mean, "
        "or collect data with both outcomes."
    ) in lines
    assert "MAP:" not in result.stdout
    assert result.stderr == ""
    assert fit.options["progressbar"] is False


@pytest.mark.usefixtures("no_page")
def test_problems_of_the_sampler_are_printed(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Fit(failed_tree(draws=100, divergences=12)))
    result = run("report", "coin_flip.py", "-q")
    assert result.exit_code == 0
    assert "12 of 400 draws diverged" in result.stdout
    assert "? MLE (unbounded): the density has no maximum" in result.stdout
    assert "* MAP (at infinity): the density keeps rising" in result.stdout
    assert "MAP: The density rises as slope goes to +infinity." in result.stdout


@pytest.mark.usefixtures("no_page")
def test_a_long_summary_is_cut_and_says_so(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Fit(many_tree(50, draws=50)))
    result = run("report", "coin_flip.py", "--no-progress")
    assert "… and 10 more rows in the report" in result.stdout
    assert "theta[item39]" in result.stdout
    assert "theta[item40]" not in result.stdout


@pytest.mark.usefixtures("no_page")
def test_quiet_silences_the_log_of_pymc_and_gives_it_back(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logger = logging.getLogger("pymc")
    before, during = logger.level, []

    class Spy(Fit):
        def __call__(self, model: object, **options: object) -> xr.DataTree:
            during.append(logger.level)
            return super().__call__(model, **options)

    install(monkeypatch, Spy(coin_tree(draws=50)))
    assert run("report", "coin_flip.py", "-q").exit_code == 0
    assert during == [logging.WARNING]
    assert logger.level == before


def test_a_saved_fit_gives_the_same_report(here: Path, fit: Fit) -> None:
    first = run("report", "coin_flip.py", "-o", "a.html", "--save", "fit.nc", "--title", "Coin")
    again = run("report", "fit.nc", "-o", "b.html", "--title", "Coin")
    assert first.exit_code == again.exit_code == 0, again.output
    assert (here / "a.html").read_text() == (here / "b.html").read_text()
    assert again.stdout.splitlines()[-1] == "b.html"
    # The report of a saved fit is named after it, and the file is not held open.
    assert run("report", "fit.nc").stdout.splitlines()[-1] == "fit.html"
    (here / "fit.nc").unlink()
    assert sorted(p.name for p in here.iterdir()) == [
        "a.html",
        "b.html",
        "coin_flip.py",
        "fit.html",
    ]


def test_the_page_of_a_nameless_model_is_titled_after_the_file(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = coin_tree(draws=50)
    tree.attrs["model_name"] = ""
    install(monkeypatch, Fit(tree))
    run("report", "coin_flip.py", "-q")
    assert "<title>Coin flip</title>" in (here / "coin_flip.html").read_text()


def test_a_model_among_several_is_chosen_by_name(here: Path, fit: Fit) -> None:
    text = MODEL + "again = coin\nwith pm.Model() as other:\n    pm.Normal('x', observed=[1.0])\n"
    (here / "two.py").write_text(text)
    assert fails("report", "two.py") == (
        "Error: two.py holds 2 models (coin, other): say which, as in two.py:coin."
    )
    assert run("report", "two.py:other").exit_code == 0
    assert [v.name for v in fit.models[0].observed_RVs] == ["x"]  # type: ignore[attr-defined]
    assert (here / "two.html").exists()


def test_the_file_can_import_and_read_what_is_beside_it(here: Path, fit: Fit) -> None:
    (here / "sub").mkdir()
    (here / "sub" / "tossed_here.py").write_text("DATA = [1, 0]\n")
    text = "from pathlib import Path\nfrom tossed_here import DATA\n"
    text += "assert (Path(__file__).parent / 'tossed_here.py').exists()\n"
    text += "assert __name__ != '__main__'\n" + MODEL.replace("[1, 1, 1]", "DATA")
    (here / "sub" / "m.py").write_text(text)
    path = list(sys.path)
    result = run("report", "sub/m.py")
    assert result.exit_code == 0, result.output
    assert sys.path == path
    assert (here / "m.html").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = (\n", "m.py, line 1 is not valid Python: '(' was never closed"),
        ("\n1 / 0\n", "m.py, line 2, raised ZeroDivisionError: division by zero"),
        ("import no_such_module\n", "line 1, raised ModuleNotFoundError: No module named"),
        ("import sys\nsys.exit(3)\n", "line 2, left by SystemExit(3)"),
        ("class Odd(BaseException):\n    pass\nraise Odd('no')\n", "line 3, raised Odd: no"),
        ("raise GeneratorExit\n", "line 1, raised GeneratorExit"),
        ("x = 1\n", "m.py holds no pymc.Model: bind one to a name at the top level"),
        (
            "import pymc as pm\ndef f():\n    with pm.Model() as m:\n        pass\n",
            "m.py holds no pymc.Model",
        ),
    ],
)
def test_a_file_that_gives_no_model(here: Path, fit: Fit, text: str, words: str) -> None:
    (here / "m.py").write_text(text)
    assert words in fails("report", "m.py")
    assert fit.models == []


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["nope.py"], "there is no file nope.py"),
        (["coin_flip.py:nope"], "has no variable 'nope': it has coin"),
        (["coin_flip.py:pm"], "of type module, not a pymc.Model; the models in this file are coin"),
        (["."], ". is a directory"),
        (["notes.txt"], "neither a Python file that holds a model (.py) nor a saved fit (.nc)"),
        (["bad.nc"], "bad.nc cannot be read as a saved fit"),
        (["bad.nc:coin"], "bad.nc is a saved fit, and holds no variable 'coin'"),
        (["bad.nc", "--draws", "9", "--seed", "1"], "already sampled: --draws, --seed"),
        (["coin_flip.py", "-o", "no/dir/x.html"], "there is no directory"),
        (["coin_flip.py", "-o", "coin_flip.py"], "--output coin_flip.py must end in .html"),
        (["coin_flip.py", "-o", "d.html"], "--output d.html is a directory"),
        (["coin_flip.py", "--save", "x.html"], "--save x.html must end in .nc"),
        (["coin_flip.py", "--save", "no/x.nc"], "there is no directory"),
        (["coin_flip.py", "--draws", "0"], "Invalid value for '--draws': 0 is not in the range"),
        (["coin_flip.py", "--chains", "two"], "Invalid value for '--chains'"),
        (["coin_flip.py", "--frob"], "No such option"),
        ([], "Missing argument"),
    ],
)
def test_bad_input_is_one_sentence(here: Path, fit: Fit, args: list[str], words: str) -> None:
    (here / "bad.nc").write_bytes(b"\x89HDF\r\n and then nothing")
    (here / "notes.txt").write_text("notes")
    (here / "d.html").mkdir()
    assert words in fails("report", *args)
    assert fit.models == []
    assert not (here / "coin_flip.html").exists()


def test_a_fit_file_of_something_else(here: Path) -> None:
    xr.Dataset({"x": ("i", [1.0])}).to_netcdf(here / "other.nc", engine="h5netcdf")
    assert "The tree has no group posterior" in fails("report", "other.nc")


@pytest.mark.parametrize("option", ["--output", "--save"])
def test_a_target_that_cannot_be_written_is_found_before_the_fit(
    here: Path, fit: Fit, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    name = "coin_flip.html" if option == "--output" else "x.nc"
    # A folder that the kernel makes up: root may write there, if one asks.
    words = fails("report", "coin_flip.py", option, f"/proc/{name}")
    assert f"{option} /proc/{name} cannot be written: No such file" in words

    touch, opened = Path.touch, Path.open

    def read_only(self: Path, *args: object, **options: object) -> object:
        if name in self.name:
            raise OSError(30, "Read-only file system")
        return (opened if args else touch)(self, *args, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Path, "touch", read_only)
        words = fails("report", "coin_flip.py", option, name)
    assert f"{option} {name} cannot be written: Read-only file system" in words
    (here / name).write_text("precious")  # a file that is immutable cannot be opened for writing
    monkeypatch.setattr(Path, "open", read_only)
    assert "cannot be written: Read-only" in fails("report", "coin_flip.py", option, name)
    assert fit.models == []
    assert sorted(p.name for p in here.iterdir()) == sorted(["coin_flip.py", name])


def test_on_a_full_disk_the_report_is_written_where_the_fit_cannot_be(
    here: Path, fit: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, data: object) -> None:
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert fails("report", "coin_flip.py", "--save", "fit.nc") == (
        "Error: fit.nc: No space left on device."
    )
    assert sorted(p.name for p in here.iterdir()) == ["coin_flip.html", "coin_flip.py"]


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (ModelError("nothing is observed in this model"), 2, "Error: nothing is observed in this"),
        (RuntimeError("boom\n  and more"), 1, "unexpected RuntimeError: boom and more (--debug"),
        (OSError(28, "No space left on device", "fit.nc"), 2, "fit.nc: No space left on device"),
        (KeyboardInterrupt(), 130, "Interrupted."),
    ],
)
def test_what_fitting_raises(
    here: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, words: str
) -> None:
    install(monkeypatch, Fit(coin_tree(draws=50), error))
    result = run("report", "coin_flip.py")
    assert result.exit_code == code
    assert words in result.stderr
    assert "Traceback" not in result.output


def test_draws_are_kept_where_a_detail_fails(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = coin_tree(draws=50)
    install(monkeypatch, Fit(tree, DetailError("The detail 'profile' failed.", tree=tree)))
    words = fails("report", "coin_flip.py")
    assert "The detail 'profile' failed. It is saved in coin_flip.nc." in words
    with xr.open_datatree(here / "coin_flip.nc", engine="h5netcdf") as kept:
        assert kept["posterior"].sizes["draw"] == 50


def test_debug_shows_the_traceback(here: Path, fit: Fit) -> None:
    (here / "m.py").write_text("1 / 0\n")
    result = run("report", "m.py", "--debug")
    assert result.exit_code == 2
    assert "Traceback" in result.stderr
    assert 'm.py", line 1' in result.stderr
    assert result.stderr.splitlines()[-1].startswith("Error: m.py, line 1, raised")


def test_a_failed_report_leaves_the_old_file(
    here: Path, fit: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ReportError("The section 'Summary' of the report failed: x", section="summary")

    (here / "coin_flip.html").write_text("the old one")
    monkeypatch.setattr(sys.modules["bayes_point.report"], "report", broken)
    assert "The section 'Summary' of the report failed" in fails("report", "coin_flip.py")
    assert (here / "coin_flip.html").read_text() == "the old one"
    # The draws took minutes: they are kept, and no file of the user's is written over.
    assert (here / "coin_flip.nc").exists()
    assert "The fit is saved in coin_flip_.nc" in fails("report", "coin_flip.py")
    fails("report", "coin_flip_.nc")
    assert not list(here.glob("coin_flip__*"))


def test_help_and_version_of_the_installed_command() -> None:
    # The real command in a process of its own; it must answer without loading PyMC.
    code = "import sys; from bayes_point.cli import main; sys.argv = ['bayes-point', *{}]; main()"
    watch = "import atexit, sys; atexit.register(lambda: print('pymc' in sys.modules)); "
    for args, words in (
        (["--help"], "report"),
        (["--version"], "bayes-point, version"),
        (["report", "--help"], "--save"),
    ):
        done = subprocess.run(
            [sys.executable, "-c", watch + code.format(args)],
            capture_output=True,
            text=True,
            check=True,
        )
        assert words in done.stdout
        assert done.stdout.rstrip().endswith("False")


def test_quiet_holds_though_pymc_is_imported_meanwhile(here: Path) -> None:
    # PyMC sets the level of its log when it is first imported, so in a process of its own.
    code = "import logging, sys; from bayes_point.cli import _quiet_log\n"
    code += "assert 'pymc' not in sys.modules\n"
    code += "with _quiet_log(True):\n    import pymc\n"
    code += "    print(logging.getLogger('pymc').getEffectiveLevel())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(logging.WARNING)]


def test_a_mistyped_path_in_a_real_process(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("bayes-point")
    done = subprocess.run(
        [command, "report", "nope.py"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: there is no file nope.py.\n"

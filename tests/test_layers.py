"""The arrows between the layers, kept by reading the imports of every module.

``model <- estimation <- fitting <- cli`` and ``comparison <- report <- cli``; the tree half
(``comparison``, ``report``) knows neither PyMC nor the model half.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "bayes_point"
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}

MODEL_HALF = {"pymc", "pytensor", "nutpie"}

# Which layers a layer may import besides itself. `bayes_point` is the table of contents, from which
# the others take nothing but the version; `model_file` is a helper of the command.
MAY_IMPORT = {
    "errors": set(),
    "arguments": {"errors"},
    "saving": set(),
    "model": {"arguments", "errors"},
    "estimation": {"arguments", "errors", "model", "saving"},
    "comparison": {"errors"},
    "report": {"errors", "comparison", "saving"},
    "idata": {"errors", "model", "comparison"},
    "approximation": {"arguments", "errors", "model", "estimation", "comparison", "idata"},
    "predicting": {"arguments", "errors", "model", "estimation", "comparison", "approximation"},
    "details": {"errors", "model", "estimation", "comparison", "approximation", "predicting"},
    "fitting": {"arguments", "errors", "model", "estimation", "comparison", "idata", "details"},
    "model_file": {"errors"},
    "cli": {
        *("errors", "saving", "fitting", "comparison", "report", "model_file", "bayes_point"),
    },
    "bayes_point": {
        "errors",
        "fitting",
        "approximation",
        "predicting",
        "model",
        "estimation",
        "comparison",
        "report",
    },
}

# The rooms of `estimation`, each of which may import from those before it.
ROOMS = (
    "tolerances",
    "objective",
    "progress",
    "estimator",
    "optimise",
    "marginal",
    "nonsmooth",
    "certificate",
    "estimate",
    "uncertainty",
    "profile",
    "refit",
    "laplace",
    "resample",
    "face",
    "prior",
)

MAY_NOT_IMPORT = {
    "errors": MODEL_HALF | {"arviz", "xarray", "numpy"},
    "comparison": MODEL_HALF,
    "report": MODEL_HALF,
    "bayes_point": MODEL_HALF,
}


def layer(module: str) -> str:
    """``bayes_point.model.density.density`` is of the layer ``model``."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else parts[0]


def imports(path: Path, *, only_at_import: bool = False) -> set[str]:
    """Every module that the file at `path` imports; relative imports are not used here.

    `only_at_import` leaves out what stands in functions and under ``if TYPE_CHECKING``.
    """
    found = set()
    todo: list[ast.AST] = [ast.parse(path.read_text(), str(path))]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}, line {node.lineno}: write the import in full"
            assert node.module is not None
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            if node.module == "bayes_point":
                # Its names come from every layer; the version alone is its own.
                found |= names - {"bayes_point.__version__"} or {"bayes_point"}
            else:
                # `from bayes_point.report import page` imports the module bayes_point.report.page.
                found |= (names & MODULES.keys()) or {node.module}
        elif only_at_import and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        elif only_at_import and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            todo.extend(node.orelse)
            continue
        todo.extend(ast.iter_child_nodes(node))
    return found


def test_every_module_belongs_to_a_layer() -> None:
    assert {layer(module) for module in MODULES} == MAY_IMPORT.keys()


@pytest.mark.parametrize("module", MODULES)
def test_arrows(module: str) -> None:
    mine = layer(module)
    imported = imports(MODULES[module])
    ours = {layer(name) for name in imported if name.split(".")[0] == "bayes_point"}
    assert ours - {mine} <= MAY_IMPORT[mine]
    theirs = {name.split(".")[0] for name in imported}
    assert not theirs & MAY_NOT_IMPORT.get(mine, set())


def test_no_modules_import_each_other_not_even_later() -> None:
    # What stands in a function or under TYPE_CHECKING counts as well: a reader has to follow it.
    graph = {module: imports(path) - {module} for module, path in MODULES.items()}
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError, naming the cycle
    assert order.index("bayes_point.errors") < order.index("bayes_point.cli")


def test_rooms_of_estimation_import_only_from_those_before_them() -> None:
    seen = set()
    for module, path in MODULES.items():
        if layer(module) != "estimation" or module.count(".") < 2:
            continue
        room = module.split(".")[2]
        seen.add(room)
        for name in imports(path):
            if name.startswith("bayes_point.estimation."):
                assert ROOMS.index(name.split(".")[2]) <= ROOMS.index(room), f"{module}: {name}"
    assert seen == {*ROOMS}


def test_no_folder_holds_more_files_than_can_be_taken_in() -> None:
    # One file a check is the rule in `checks`, however many there come to be.
    for folder in PACKAGE.rglob("*"):
        if folder.is_dir() and folder.name not in ("checks", "__pycache__"):
            files = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
            assert len(files) <= 16, folder


COUNTS = {0, 1, 2, 3, 0.5}


@pytest.mark.parametrize("room", ["optimise", "nonsmooth", "certificate"])
def test_what_numbers_are_compared_with_has_a_name(room: str) -> None:
    # A threshold has a unit and a reason: where it is named, in `tolerances.py` or at the head of
    # the file that alone has it. Counts, signs and halves need none.
    bare = []
    for path in sorted((PACKAGE / "estimation" / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare):
                numbers = [one.value for one in ast.walk(node) if isinstance(one, ast.Constant)]
                bare += [
                    f"{path.name}, line {node.lineno}: {number}"
                    for number in numbers
                    if isinstance(number, int | float) and number not in COUNTS
                ]
    assert not bare


def test_a_threshold_of_all_rooms_is_shared() -> None:
    tree = ast.parse((PACKAGE / "estimation" / "tolerances.py").read_text())
    targets = [one for node in tree.body if isinstance(node, ast.Assign) for one in node.targets]
    names = {one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)}
    users = Counter(
        alias.name
        for module, path in MODULES.items()
        if layer(module) == "estimation"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "bayes_point.estimation.tolerances"
        for alias in node.names
    )
    assert {name for name in names - {"__all__"} if users[name] < 2} == set()


def test_the_reader_of_imports_sees_them_all(tmp_path: Path) -> None:
    file = tmp_path / "m.py"
    file.write_text(
        "from typing import TYPE_CHECKING\nimport numpy as np, a.b\n"
        "if TYPE_CHECKING:\n    import c\nelse:\n    import d\n"
        "class K:\n    import e\n    def f(self):\n        from g.h import i\n"
        "from bayes_point.report import page, report\n"
        "from bayes_point import find_MLE\n"
    )
    at_import = {
        *("typing", "numpy", "a.b", "d", "e"),
        *("bayes_point.report.page", "bayes_point.find_MLE"),
    }
    assert imports(file, only_at_import=True) == at_import
    assert imports(file) == at_import | {"c", "g.h"}
    file.write_text("from . import page\n")
    with pytest.raises(AssertionError, match="line 1: write the import in full"):
        imports(file)


def loaded_after(code: str) -> set[str]:
    """Names of the modules that a new Python has loaded after `code`."""
    code += "\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_tree_half_loads_nothing_of_the_model_half() -> None:
    # What the imports say is not all: a library could bring PyMC in. So ask a new process.
    half = [module for module in MODULES if layer(module) in ("comparison", "report")]
    loaded = loaded_after("import " + ", ".join(half))
    assert set(half) <= loaded
    assert not loaded & MODEL_HALF
    assert {layer(name) for name in loaded if name.startswith("bayes_point.")} == {
        "comparison",
        "report",
        "errors",
        "saving",
    }


def test_the_command_answers_without_pymc() -> None:
    loaded = loaded_after("import bayes_point.cli, bayes_point.model_file")
    assert "bayes_point.cli" in loaded
    assert not loaded & (MODEL_HALF | {"arviz", "matplotlib.pyplot"})

"""A Python file that holds a PyMC model: run it, and find the model in it."""

from __future__ import annotations

import runpy
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayes_point.errors import ModelError, in_one_line

if TYPE_CHECKING:
    import pymc as pm

RUN_NAME = "__bayes_point__"
"""``__name__`` while the file runs: what it guards by ``__name__ == "__main__"`` stays out."""


@contextmanager
def importable(directory: Path) -> Iterator[None]:
    """Modules in `directory` can be imported meanwhile, as they can from a script that is there."""
    entry = str(directory.resolve())
    sys.path.insert(0, entry)
    try:
        yield
    finally:
        if entry in sys.path:  # the file may have taken it out itself
            sys.path.remove(entry)


def load_model(path: Path, name: str | None) -> tuple[str, pm.Model]:
    """Run the Python file at `path`; return its model, and the name that the file gives to it.

    Parameters
    ----------
    path : pathlib.Path
        A Python file. It runs as a script does, except for what it keeps for
        ``__name__ == "__main__"``.
    name : str or None
        Which module-level variable to take. None takes the only model there is.

    Returns
    -------
    tuple of str and pymc.Model

    Raises
    ------
    ModelError
        The file cannot be run, holds no model, or holds several and `name` is None. What was
        raised while the file ran is the cause.
    """
    namespace = _run(path)
    models = _models(namespace)
    listed = ", ".join(models)
    if name is not None:
        if name not in namespace:
            has = f"it has {listed}" if models else "it has no model at all"
            raise ModelError(f"{path} has no variable {name!r}: {has}")
        found = namespace[name]
        if not _is_model(found):
            hint = f"; the models in this file are {listed}" if models else ""
            kind = type(found).__name__
            raise ModelError(f"{name!r} in {path} is of type {kind}, not a pymc.Model{hint}")
        return name, found
    if not models:
        raise ModelError(
            f"{path} holds no pymc.Model: bind one to a name at the top level of the file, "
            "as in 'with pm.Model() as model:', outside functions and outside "
            "'if __name__ == \"__main__\":'"
        )
    if len(models) > 1:
        first = next(iter(models))
        raise ModelError(
            f"{path} holds {len(models)} models ({listed}): say which, as in {path}:{first}"
        )
    return next(iter(models.items()))


def _run(path: Path) -> dict[str, Any]:
    try:
        return runpy.run_path(str(path), run_name=RUN_NAME)
    except SyntaxError as err:
        where = Path(err.filename).name if err.filename else path.name
        line = f", line {err.lineno}" if err.lineno else ""
        code = f": {err.text.strip()!r}" if err.text else ""
        raise ModelError(f"{where}{line} is not valid Python: {err.msg}{code}") from err
    except SystemExit as err:
        raise ModelError(
            f"{_place(err, path)} left by SystemExit({err.code!r}) before the file had run to "
            "its end: keep such calls under 'if __name__ == \"__main__\":'"
        ) from err
    except KeyboardInterrupt:
        raise
    except BaseException as err:
        # Of any kind: it is the file's own, and must not take the command's exit code with it.
        raise ModelError(f"{_place(err, path)} raised {in_one_line(err)}") from err


def _is_model(value: object) -> bool:
    # A file that never imported pymc has no model in it; there is no need to import it here.
    pymc = sys.modules.get("pymc")
    return pymc is not None and isinstance(value, pymc.Model)


def _models(namespace: dict[str, Any]) -> dict[str, Any]:
    """Return the models by name; one that is bound to several names has the first of them."""
    found: dict[str, Any] = {}
    for name, value in namespace.items():
        if _is_model(value) and not any(value is other for other in found.values()):
            found[name] = value
    return found


def _place(err: BaseException, path: Path) -> str:
    """Where in the file itself `err` came from, however deep below it was raised."""
    frames = traceback.extract_tb(err.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    return f"{path}, line {lines[-1]}," if lines else f"{path}"

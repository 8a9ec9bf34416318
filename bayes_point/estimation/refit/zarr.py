"""A refit on disk: a zarr store that fills chunk by chunk, and from which it goes on."""

from __future__ import annotations

import signal
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bayes_point.errors import EstimationWarning, ModelError
from bayes_point.estimation.refit.batch import Arrays, Refitter
from bayes_point.estimation.refit.datasets import DataSets
from bayes_point.estimation.refit.identity import identity
from bayes_point.estimation.refit.journal import BusyError, Journal, digest
from bayes_point.estimation.refit.recognition import (
    JOURNAL,
    OTHERWISE,
    others,
    refuse_another_refit,
    refuse_other_things,
    root_mark,
)
from bayes_point.estimation.refit.skeleton import skeleton
from bayes_point.estimation.refit.spans import Span, missing
from bayes_point.saving import replace_file

__all__ = ["Store"]

_PACKAGE = str(Path(__file__).parents[2])


class Store:
    """The results of a refit in a zarr store.

    A chunk is written first, each of its files whole or not at all; then a line of the journal
    says so, with a digest of the numbers of each array. What has no such line, or does not fit its
    digest, counts as not done: a process that dies anywhere in between leaves a store from which
    the next one goes on, and a store that was damaged is mended by the call that made it.

    Parameters
    ----------
    path : pathlib.Path
        Where it is, or is to be.
    refitter, sets, inputs, starts
        The refit.
    out : dict of str to ndarray
        Its results in memory: filled here with what is done, and read when a chunk is written.
    chunk_size : int
        Data sets of a chunk, if the store is new.

    Attributes
    ----------
    chunk_size : int
        Data sets of a chunk: those that the store began with.
    done : list of slice
        The data sets that need no work.
    compiled_from : int or None
        The data set from which on the density was compiled, for the same numbers to the last bit.

    Raises
    ------
    ModelError
        If zarr is not installed; if the path cannot be written; if what is there is no store, or
        one of another model, other data, labels or options; if another process writes it.

    Warns
    -----
    EstimationWarning
        If the store was damaged: what is computed again.
    """

    def __init__(
        self,
        path: Path,
        refitter: Refitter,
        sets: DataSets,
        inputs: Mapping[str, NDArray],
        starts: NDArray | None,
        *,
        out: Arrays,
        chunk_size: int,
    ) -> None:
        if find_spec("zarr") is None:
            raise ModelError(
                "save= needs the package zarr, which is not installed: pip install "
                "'bayes-point[zarr]'. Or leave save= out."
            )
        self.path, self.n, self.out = path, sets.n, out
        self._pending: list[Span] = []
        self._arrays: dict[str, Any] = {}
        own = identity(refitter, sets, inputs, starts)
        try:
            refuse_other_things(path)
            refuse_another_refit(path, root_mark(path), own)
            self._journal = Journal(path / JOURNAL)
        except BusyError as err:
            raise ModelError(
                f"save={str(path)!r} is being written by another refit. Wait until it has ended, "
                "or give another path."
            ) from err
        except OSError as err:
            raise ModelError(
                f"save={str(path)!r} cannot be written: {err.strerror}. Give a path in a "
                "directory that you may write to."
            ) from err
        try:
            self._open(refitter, sets, own, chunk_size)
        except OSError as err:
            self._journal.close()
            raise ModelError(
                f"save={str(path)!r} cannot be written: {err.strerror}. Make room, or give another "
                "path."
            ) from err
        except BaseException:
            self._journal.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Try once more to write what could not be written; let the next writer have the store."""
        try:
            self._write_pending()
        except OSError as err:
            left = sum(span.stop - span.start for span in self._pending)
            self._warn(
                f"{left} of {self.n} data sets are not in {str(self.path)!r}, but in the result "
                f"alone: {err.strerror}. Make room, and save the result with its own .to_zarr(...) "
                "or .to_netcdf(...)."
            )
        finally:
            self._journal.close()

    # ------------------------------------------------------------------------------------ opening

    def _open(
        self, refitter: Refitter, sets: DataSets, own: dict[str, Any], chunk_size: int
    ) -> None:
        heads = [one for one in self._journal.records if "of" in one]
        root = root_mark(self.path)
        held = heads[-1]["of"] if heads else root
        if held is None and (other := others(self.path)):
            raise ModelError(
                f"save={str(self.path)!r} is there already, and its record is damaged beyond "
                f"reading, beside {other[0].name!r} and {len(other) - 1} other files. {OTHERWISE}"
            )
        refuse_another_refit(self.path, held, own)
        lost = held is not None and not heads
        self.chunk_size = int(heads[-1]["chunk_size"]) if heads else min(chunk_size, sets.n)
        files = skeleton(refitter, sets, own, self.chunk_size)
        prints = {name: digest(held) for name, held in files.items()}
        # Of another version of zarr the same may be written otherwise: it is whole all the same.
        known = heads[-1]["files"] if heads else prints
        if not heads:
            self._journal.add({"of": own, "chunk_size": self.chunk_size, "files": prints})
        for left in self.path.rglob("*.partial"):
            left.unlink()
        commits = [one for one in self._journal.records if "stop" in one]
        anew = self._mend(files, known)
        if anew and known != prints:
            known = known | {name: prints[name] for name in anew}
            self._journal.add({"of": own, "chunk_size": self.chunk_size, "files": known})
        import zarr

        group: Any = zarr.open_group(self.path, mode="r+", use_consolidated=False)
        self._arrays = {name: group[name] for name in refitter.shapes}
        self.done, broken = self._read(commits)
        self.compiled_from = commits[-1]["compiled_from"] if commits else None
        self._tell(lost, anew if commits else [], broken)

    def _mend(self, files: Mapping[str, bytes], known: Mapping[str, str]) -> list[str]:
        """Write those files of the skeleton that are not there as they were written."""
        anew = []
        for name, wanted in files.items():
            file = self.path / name
            if file.is_file() and digest(file.read_bytes()) == known.get(name):
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            replace_file(file, partial(_put, wanted))
            anew.append(name)
        return anew

    def _read(self, commits: Sequence[dict[str, Any]]) -> tuple[list[Span], list[str]]:
        """Read what is done into memory; return it, and what of it is not what was written."""
        last = {one["start"]: one for one in commits}
        done, broken = [], []
        for one in sorted(last.values(), key=lambda one: one["start"]):
            span = Span(one["start"], one["stop"])
            rows, wrong = {}, []
            for name, array in self._arrays.items():
                try:
                    rows[name] = array[span.slice]
                except Exception:
                    # Damaged bytes: zarr and its codecs raise a dozen types here.
                    wrong.append(name)
                else:
                    if digest(np.ascontiguousarray(rows[name])) != one["digests"].get(name):
                        wrong.append(name)
            if wrong:
                broken.append(f"{' and '.join(wrong)} of {span}")
                continue
            done.append(span)
            for name, values in rows.items():
                self.out[name][span.slice] = values
        known = [Span(start, last[start]["stop"]) for start in sorted(last)]
        last_known = max((span.stop for span in known), default=0)
        gaps = missing(known, last_known)
        return done, [*broken, *(f"the line of its journal for {gap}" for gap in gaps)]

    def _tell(self, lost: bool, anew: Sequence[str], broken: Sequence[str]) -> None:
        if lost:
            self._warn(
                f"save={str(self.path)!r} has lost its journal, without which nothing in it can be "
                f"told to be whole: all {self.n} data sets are computed again."
            )
        elif anew or broken:
            parts = []
            if broken:
                some = "; ".join(broken[:3]) + (f"; and {len(broken) - 3} more" * (len(broken) > 3))
                parts.append(f"computed again are the data sets of what is lost ({some})")
            if anew:
                parts.append(f"made anew: {', '.join(anew[:3])}{', …' * (len(anew) > 3)}")
            self._warn(f"save={str(self.path)!r} was damaged; {'; '.join(parts)}.")

    # ------------------------------------------------------------------------------------ writing

    def add(self, span: Span, compiled_from: int | None) -> None:
        """Write the chunk that a span of data sets is part of, and then that they are done.

        What cannot be written, for instance because the disk is full, is kept for later, and said.
        """
        first = not self._pending
        self._pending.append(span)
        self.compiled_from = compiled_from
        try:
            self._write_pending()
        except OSError as err:
            if first:
                self._warn(
                    f"{span} cannot be saved to {str(self.path)!r}: {err.strerror}. The work goes "
                    "on, and so does the trying: make room."
                )

    def _write_pending(self) -> None:
        while self._pending:
            with _uninterrupted():
                self._write(self._pending[0])
                self._pending.pop(0)

    def _write(self, span: Span) -> None:
        size = self.chunk_size
        whole = slice(span.start // size * size, min(span.start // size * size + size, self.n))
        for name, array in self._arrays.items():
            array[whole] = self.out[name][whole]
        digests = {
            name: digest(np.ascontiguousarray(rows[span.slice])) for name, rows in self.out.items()
        }
        self._journal.add(
            {
                "start": span.start,
                "stop": span.stop,
                "digests": digests,
                "compiled_from": self.compiled_from,
            }
        )

    def _warn(self, text: str) -> None:
        warnings.warn(text, EstimationWarning, skip_file_prefixes=(_PACKAGE,))


def _put(data: bytes, path: Path) -> None:
    path.write_bytes(data)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let Ctrl-C wait until a chunk is written, which takes milliseconds."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield  # Python raises no KeyboardInterrupt here
        return
    came: list[Any] = []
    signal.signal(signal.SIGINT, lambda *args: came.append(args))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            before(*came[0])

"""The claim that a density has no upper limit, along tracks on which it grows without end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.status import Finding, Status
from bayes_point.estimation.certificate.tracks import Track
from bayes_point.estimation.certificate.verdicts import Claim, Judged
from bayes_point.estimation.objective import Objective

__all__ = ["unbounded_along"]

Array = NDArray[np.float64]

# Over the last step of a track, relative to its size, what a coordinate that diverges moves; part
# of what it was at first that is left of a value that vanishes.
_MOVES, _VANISHED = 1e-5, 1e-3


_JACOBIAN = "or the mode on the unconstrained scale (jacobian=True), "


def _is_slow(track: Track) -> bool:
    """Whether it grows by less than one an e-fold, which is what the Jacobian of a log takes."""
    gain, way = np.diff(track.value[-2:]), np.abs(np.diff(track.distance[-2:]))
    return bool(gain[0] < way[0])


def unbounded_along(objective: Objective, point: Judged, growing: list[Track]) -> Claim:
    """Judge a density that grows without end along some tracks."""
    undefined = np.zeros(len(point.x), bool)
    findings = []
    for track in growing:
        steps = np.diff(track.x, axis=0) / np.diff(track.distance)[:, None]
        moved = np.abs(track.x[-1] - track.x[-2]) > _MOVES * (1 + np.abs(track.x[-1]))
        diverges = moved & (np.abs(steps[-1]) > 0.5 * np.abs(steps[-2]))
        diverges[track.pivot] = True
        undefined |= diverges
        names = _vanishing(objective, diverges, track)
        evidence = {
            f"at a distance of {distance:.3g} the log density is": float(value)
            for distance, value in zip(track.distance[-3:], track.value[-3:], strict=True)
        }
        findings.append(
            Finding(
                f"The density grows without limit along {', '.join(names)}.",
                names,
                evidence,
                "No estimate exists. A prior that keeps scale parameters away from zero, "
                f"{_JACOBIAN if _is_slow(track) else ''}or the posterior mean may help.",
            )
        )
    once = {finding.parameters: finding for finding in findings}
    return Claim(
        point,
        Status.UNBOUNDED,
        tuple(once.values()),
        is_proof=True,
        path=_on_the_way(growing[0], undefined),
        undefined=undefined,
        value=np.inf,
    )


def _on_the_way(track: Track, undefined: NDArray[np.bool_]) -> Array:
    """Return the point, (1, p), at which those that have a limit are nearest to it.

    They near it with every step, until rounding moves them about.
    """
    settling = np.where(undefined, 0.0, np.abs(np.diff(track.x, axis=0)))
    size = 1e-300 + np.abs(track.x).max(axis=0)
    moves = np.max(settling / size, axis=1)
    return track.x[1 + len(moves) - 1 - int(np.argmin(moves[::-1]))][None, :]


def _vanishing(objective: Objective, moving: NDArray[np.bool_], track: Track) -> tuple[str, ...]:
    """Name the parameters that move; of a simplex, the elements that go to zero."""
    density = objective.density
    natural = density.natural(track.x[[0, -1]])
    names = []
    for j in np.flatnonzero(moving):
        name, whole = density.parameters[j], natural[density.variables[j]]
        if name == density.variables[j] and whole[0].size > 1:
            names += [
                label
                for label, first, last in density.elements(name, *whole)
                if abs(last) < _VANISHED * abs(first)
            ] or [name]
        else:
            names.append(name)
    return tuple(dict.fromkeys(names))

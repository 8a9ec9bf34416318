"""Densities without an upper bound: along a way without end, at a pole, on a spike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.point import Point, held_at
from bayes_point.estimation.certificate.record import Certificate, Judged
from bayes_point.estimation.certificate.status import Finding, Status
from bayes_point.estimation.certificate.tracks import Track, follow
from bayes_point.estimation.objective import Objective

__all__ = ["rises_to_infinity", "runaways", "spiked", "unbounded_along", "unbounded_at"]

Array = NDArray[np.float64]

# A search that has gone this far in a log or a logit is running away.
_FAR = 25.0
# In a parameter itself, which may be a log by the user's own hand, this is far enough to look.
_VERY_FAR = 100.0
# Distances to a wall, relative to the parameter, each a thousandth of the last.
_TO_THE_WALL = 10.0 ** -np.array([4.0, 7.0, 10.0, 13.0])


def runaways(objective: Objective, x: Array, start: Array) -> list[Track]:
    """Return the tracks of coordinates that the search took far, where there is no end to it."""
    distance = np.abs(x - start)
    far = distance > np.where(objective.is_transformed, _FAR, _VERY_FAR)
    tracks = []
    for j in np.flatnonzero(far):
        # From half way, where rounding has not yet blurred the density.
        base = np.where(np.arange(len(x)) == j, 0.5 * (start + x), x)
        base = held_at(objective, base, np.arange(len(x)) == j)
        point = Point.at(objective, base, np.zeros(len(x), bool))
        step = float(np.sign(x[j] - start[j]))
        if not objective.is_transformed[j]:
            step *= float(distance[j]) / 64
        # On the way into a pole one ulp of the others is much; the gains are larger than that.
        noise = min(point.noise, 1e-3)
        track = follow(objective, base, point.value, pivot=int(j), step=step, noise=noise)
        if objective.is_transformed[j]:
            track = track.up_to_rounding(start[j])
        if track.grows_without_bound:
            tracks.append(track)
    return tracks


def unbounded_along(objective: Objective, point: Judged, growing: list[Track]) -> Certificate:
    """Judge a density that grows without end along some tracks."""
    undefined = np.zeros(len(point.x), bool)
    findings = []
    for track in growing:
        steps = np.diff(track.x, axis=0) / np.diff(track.distance)[:, None]
        moved = np.abs(track.x[-1] - track.x[-2]) > 1e-5 * (1 + np.abs(track.x[-1]))
        diverges = moved & (np.abs(steps[-1]) > 0.5 * np.abs(steps[-2]))
        diverges[track.pivot] = True
        undefined |= diverges
        names = _vanishing(objective, diverges, track)
        evidence = {
            f"log density {distance:+.3g} away": float(value)
            for distance, value in zip(track.distance[-3:], track.value[-3:], strict=True)
        }
        findings.append(
            Finding(
                f"The density grows without limit along {', '.join(names)}.",
                names,
                evidence,
                "No estimate exists. A prior that keeps scale parameters away from zero, or the "
                "mode on the unconstrained scale (jacobian=True), or the posterior mean may help.",
            )
        )
    once = {finding.parameters: finding for finding in findings}
    certificate = Certificate.of(point, Status.UNBOUNDED, *once.values())
    return replace(
        certificate, path=_on_the_way(growing[0], undefined), undefined=undefined, value=np.inf
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
                if abs(last) < 1e-3 * abs(first)
            ] or [name]
        else:
            names.append(name)
    return tuple(dict.fromkeys(names))


def rises_to_infinity(
    objective: Objective, point: Point, where: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """In which coordinates the point is a pole: equal gains with each thousandth of the way."""
    poles = np.zeros_like(where)
    for j in np.flatnonzero(where):
        points = np.tile(point.x, (2 * len(_TO_THE_WALL), 1))
        points[:, j] += (1 + abs(point.x[j])) * np.concatenate([_TO_THE_WALL, -_TO_THE_WALL])
        for side in np.split(objective.evaluate(points)[0], 2):
            gains = np.diff(side)
            poles[j] |= bool(
                np.all(np.isfinite(side)) and gains[0] > 1e-3 and gains[-1] > 0.5 * gains[0]
            )
    return poles


def unbounded_at(objective: Objective, point: Point, poles: NDArray[np.bool_]) -> Certificate:
    """Judge a density that is infinite at the point, in the coordinates `poles`."""
    names = tuple(objective.density.parameters[j] for j in np.flatnonzero(poles))
    values = [f"{name} nears {x:.6g}" for name, x in zip(names, point.x[poles], strict=True)]
    finding = Finding(
        f"The density grows without limit as {', '.join(values)}.",
        names,
        {"log density as near as rounding allows": point.value},
        "No estimate exists. Keep the parameter away from that value with a prior.",
    )
    certificate = Certificate.of(point, Status.UNBOUNDED, finding)
    return replace(certificate, undefined=poles, value=np.inf)


def spiked(objective: Objective, point: Point, start: Array) -> Certificate:
    """Judge an optimum narrower than the spacing of floating-point numbers.

    Residuals that are zero but for rounding stop a scale parameter at some 1e-16 of the data's
    scale, where it looks like a maximum.
    """
    density = objective.density
    moved = np.where(objective.is_transformed, np.abs(point.x - start), 0.0)
    undefined = moved >= max(10.0, 0.5 * moved.max())
    if not np.any(undefined):
        undefined = np.ones(len(point.x), bool)
    names = tuple(density.parameters[j] for j in np.flatnonzero(undefined))
    finding = Finding(
        f"The density grows along {', '.join(names)} until rounding stops it: the point is sharper "
        "than the spacing of floating-point numbers.",
        names,
        {"log density": point.value, "change over one ulp": point.spike},
        "No estimate exists: the model fits the data exactly. Use fewer parameters, or a prior "
        "that keeps the scale away from zero.",
    )
    certificate = Certificate.of(point, Status.UNBOUNDED, finding)
    return replace(certificate, undefined=undefined, value=np.inf)

"""How time grows with the data and with the coefficients, drawn beside the peers.

    uv run --with scikit-learn python benchmarks/growth.py [--observations 1e7] \
        [--coefficients 5000] [--write docs/benchmarks]

CPU seconds with one thread of linear algebra.  A logistic regression of 10 coefficients and ever
more observations, beside scikit-learn's lbfgs (the measurement of `much_data.py`), and one of
2,000 observations, a normal prior and ever more coefficients, beside SciPy's L-BFGS (that of
`coefficients.py`).
"""

from __future__ import annotations

import argparse
import platform
from importlib.metadata import version
from pathlib import Path
from statistics import median

# First: it says how many threads there are, before NumPy is imported.
import coefficients
import matplotlib.pyplot as plt
import much_data
import numpy as np

OBSERVATIONS = (10_000, 100_000, 1_000_000, 10_000_000)
COEFFICIENTS = (10, 100, 500, 1000, 2500, 5000)
P = 10
# Further calls of which the median is taken, up to so many coefficients; beyond, one.
ROUNDS, FEW = 3, 1000
# Read on white and on black alike: W3C asks for a contrast of 3 to 1.
GREY, OURS, PEER = "#808080", "#3b82c4", "#d2691e"

Times = dict[int, tuple[float, float, float]]  # first, again, peer


def against_observations(most: float) -> Times:
    out = {}
    for n in OBSERVATIONS:
        if n <= most:
            t = much_data.measure(n, P)
            out[n] = t["first"], t["again"], t["tight"]
            print(f"n = {n:,}: {out[n]}", flush=True)
    return out


def against_coefficients(most: float) -> Times:
    out = {}
    for p in COEFFICIENTS:
        if p <= most:
            ours, peer = coefficients.ridge(p)
            first = coefficients.seconds(ours)
            calls = ROUNDS if p <= FEW else 1
            rounds = [
                (coefficients.seconds(ours), coefficients.seconds(peer)) for _ in range(calls)
            ]
            out[p] = first, *map(median, zip(*rounds, strict=True))
            print(f"p = {p:,}: {out[p]}", flush=True)
    return out


def draw(panels: list[tuple[str, str, Times]], path: Path) -> None:
    """Draw times against sizes, both as logarithms, on a ground that is transparent."""
    colours = dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), GREY
    )
    with plt.rc_context({**colours, "svg.hashsalt": "growth", "font.size": 11}):
        figure, axes = plt.subplots(1, len(panels), figsize=(9, 3.6), layout="constrained")
        for axis, (label, peer, times) in zip(axes, panels, strict=True):
            sizes = list(times)
            first, again, theirs = np.array(list(times.values())).T
            axis.loglog(sizes, first, ":", marker="o", color=OURS, label="bayes_point, first call")
            axis.loglog(sizes, again, marker="o", color=OURS, label="bayes_point, again")
            axis.loglog(sizes, theirs, marker="s", color=PEER, label=peer)
            axis.set(xlabel=label, ylabel="CPU seconds")
            axis.grid(color=GREY, alpha=0.3)
            axis.legend(frameon=False)
        figure.savefig(path, transparent=True, metadata={"Date": None})


def table(what: str, peer: str, times: Times) -> str:
    rows = [f"| {what} | first call | again | {peer} | ratio |", "| --- " * 5 + "|"]
    rows += [
        f"| {size:,} | {first:.2f} s | {again:.3f} s | {theirs:.3f} s | **{again / theirs:.1f}** |"
        for size, (first, again, theirs) in times.items()
    ]
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--observations", type=float, default=1e7)
    parser.add_argument("--coefficients", type=float, default=5000)
    parser.add_argument("--write", type=Path)
    args = parser.parse_args()
    n, p = against_observations(args.observations), against_coefficients(args.coefficients)
    text = f"""# Growth

Made by `benchmarks/growth.py`: how long a logistic regression takes, with the proof that its
maximum is the only one. On the left {P} coefficients by maximum likelihood, beside scikit-learn's
lbfgs to 1e-8; on the right {coefficients.N:,} observations and standard normal priors, beside
SciPy's L-BFGS on a hand-written gradient. The peers prove nothing. CPU seconds, one thread; a
further call is the median of {much_data.ROUNDS} on the left, of {ROUNDS} on the right, from 2,500
coefficients one.

![CPU seconds against the number of observations and of coefficients, on logarithmic axes: the first
call, a further call, and the peer.](growth.svg)

{table("observations", "scikit-learn", n)}

{table("coefficients", "SciPy", p)}

{platform.system()}, Python {platform.python_version()}, \
{", ".join(f"{name} {version(name)}" for name in ("pymc", "pytensor", "scikit-learn", "scipy"))}.
"""
    if args.write:
        panels = [("observations", "scikit-learn", n), ("coefficients", "SciPy", p)]
        draw(panels, args.write / "growth.svg")
        (args.write / "growth.md").write_text(text)


if __name__ == "__main__":
    main()

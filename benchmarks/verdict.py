"""How often is a gap of nothing called a gap, and one of a posterior sd not? With exact draws.

    uv run python -m benchmarks.verdict --write docs/verdict.md

The posterior is that of normal means under flat priors, drawn exactly; the estimate is put at the
posterior mean, or one posterior sd above it.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np

import bayes_point as bp
from tests.tree_layout import assemble, estimate

CHAINS = 4
KEYS = ("negligible", "small_at_most", "small", "cannot_tell", "matters")
WORDS = ("negligible", "small or negligible", "small", "undecided", "matters")


def verdict(seed: int, parameters: int, draws: int, gap: float) -> str:
    """Return the verdict on an estimate, of which one parameter has the gap."""
    rng = np.random.default_rng(seed)
    mean = rng.normal(size=parameters)
    x = mean + rng.normal(size=(CHAINS, draws, parameters))
    point = mean.copy()
    point[0] += gap
    at = estimate({"mu": point})
    return bp.verdict(assemble({"mu": x}, mle=at, map=at, mode=at, dims={"mu": ["group"]})).key


def page(rows: list[list[str]], fits: int) -> str:
    """Return the page."""
    head = ["gap", "parameters", "draws", *WORDS]
    table = [head, ["---"] * len(head), *rows]
    lines = "\n".join(f"| {' | '.join(row)} |" for row in table)
    return f"""# False alarms and power of the verdict

How many of {fits} fits get which verdict, with exact draws of a known posterior, {CHAINS} chains,
at the default level of 1 %. Without a gap, *small* and *matters* are false alarms, of which the
level allows 2 in 200; with a gap of 1 posterior sd, in one parameter, all should be *matters*.
(Around an estimate 1 sd off, the posterior's 95 % interval holds 83 % of it, less than the 90 %
that are asked for.) Where the draws are too few, the verdict is *undecided*, and says how many
more would decide.

{lines}

Made by `benchmarks/verdict.py`.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fits", type=int, default=200)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    rows = []
    for gap in (0.0, 1.0):
        for parameters, draws in ((1, 250), (1, 1000), (20, 250), (20, 1000)):
            found = Counter(verdict(seed, parameters, draws, gap) for seed in range(options.fits))
            row = [f"{gap:g} sd", f"{parameters}", f"{CHAINS * draws:,}"]
            rows.append(row + [f"{found[key]}" for key in KEYS])
            print(*rows[-1], sep=" | ", flush=True)
    if options.write:
        options.write.write_text(page(rows, options.fits), encoding="utf-8")


if __name__ == "__main__":
    main()

r"""
Blocks and treatments, with names: pymc.dims
============================================

Penicillin was made by four processes from each of five blends of raw material (Box, Hunter and
Hunter 1978). The processes are of interest; the blends differ, and are a sample of the blends there
might be. With ``pymc.dims`` every dimension has a name, and a process and a blend meet without a
word of indexing.

The five effects of blends are integrated out, and with ``reml=True`` the four processes too. The
design is balanced, so that restricted maximum likelihood is the analysis of variance: a residual
variance of 226/12 = 18.83, and one of blends of (66 - 18.83)/4 = 11.79, as R's *lme4* has them.
"""

import matplotlib.pyplot as plt
import pymc as pm
import pymc.dims as pmd
import xarray as xr

import bayes_point as bp

PROCESSES, BLENDS = list("ABCD"), [1, 2, 3, 4, 5]
made = xr.DataArray(
    [[89, 88, 97, 94], [84, 77, 92, 79], [81, 87, 87, 85], [87, 92, 89, 84], [79, 81, 80, 88]],
    coords={"blend": BLENDS, "process": PROCESSES},
    dims=("blend", "process"),
)

with pm.Model(coords={"blend": BLENDS, "process": PROCESSES}) as model:
    mean = pmd.Normal("mean", 85, 20, dims="process")
    between = pmd.HalfNormal("between", 20)
    within = pmd.HalfNormal("within", 20)
    effect = pmd.Normal("effect", 0, between, dims="blend")
    pmd.Normal("made", mean + effect, within, dims=("blend", "process"), observed=made)

if __name__ == "__main__":
    reml = bp.find_MLE(model, marginalize="latents", reml=True)
    print(reml)
    fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
    for row in BLENDS:
        ax.plot(PROCESSES, made.sel(blend=row), "o-", color="0.8", linewidth=1)
    means = reml["mean"]
    ax.errorbar(PROCESSES, means, 1.96 * reml.stderr()["mean"], fmt="s", color="#0072B2", capsize=3)
    ax.set(xlabel="process", ylabel="yield", title="Four processes, five blends")
    ax.spines[["top", "right"]].set_visible(False)
    # sphinx_gallery_alt = "Four means with long intervals over the yields of five blends"
    plt.show()

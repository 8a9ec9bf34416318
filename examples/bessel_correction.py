r"""
Bessel's correction: ten thousand samples of four
=================================================

The MLE of a variance, :math:`\frac1n \sum (x_i - \bar x)^2`, measures the distance from the
sample's own mean, which lies nearer to the data than the true one does. On average it is
:math:`\frac{n - 1}{n} \sigma^2`: of four normal data of variance 9 it is 9 · 3/4 = 6.75. Bessel's
factor :math:`n/(n - 1)` repairs that.

Left: the MLEs of 10,000 simulated data sets of four, over their exact distribution,
:math:`\sigma^2 \chi^2_{n - 1}/n`. Right: their average over the sample size. An average is not
all: `study` also gives the variance, the RMSE and the coverage, by which dividing by :math:`n - 1`
is not the best choice.
"""

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm
from scipy import stats

import bayes_point as bp

with pm.Model(coords={"measurement": range(4)}) as model:
    variance = pm.InverseGamma("variance", alpha=3, beta=18)
    mean = pm.Normal("mean", 0, pm.math.sqrt(variance))
    y = pm.Data("y_observed", [1.0, 4.0, 7.0, 8.0], dims="measurement")
    pm.Normal("y", mean, pm.math.sqrt(variance), observed=y, dims="measurement")


def study_of(sizes):
    truth = {"mean": 0, "variance": 9}
    found = bp.study(model, truth, 10_000, estimators="MLE", sample_sizes=sizes, random_seed=1)
    return found.sel(estimator="MLE", parameter="variance")


if __name__ == "__main__":
    sizes = np.array([2, 3, 4, 6, 8, 12, 16])
    study = study_of(sizes)
    average = 9 + study["bias"].values
    print(f"n = 4: MLE {average[2]:.3f} on average, with Bessel's factor {4 / 3 * average[2]:.3f}")
    fig, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.8), layout="constrained")
    v = np.linspace(0.01, 30, 400)
    of_four = study["estimate"].sel(sample_size=4)
    left.hist(of_four, bins=np.linspace(0, 30, 61), density=True, color="0.85")
    left.plot(v, stats.chi2(3, scale=9 / 4).pdf(v), color="0.15", label="exact distribution")
    left.axvline(average[2], color="#D55E00", label="average MLE")
    left.axvline(9, color="0.4", linestyle=":", label="true variance")
    left.set(title="10,000 samples of 4", xlabel="MLE of the variance", ylabel="density")
    right.plot(sizes, 9 * (sizes - 1) / sizes, color="0.75", label="9 (n − 1)/n")
    right.plot(sizes, average, "^", color="#D55E00", label="average MLE", markersize=7)
    corrected = average * sizes / (sizes - 1)
    right.plot(sizes, corrected, "D", color="#009E73", label="with Bessel's factor", markersize=5)
    right.axhline(9, color="0.4", linestyle=":")
    right.set(title="by sample size", xlabel="data in a sample, n", ylabel="average", ylim=(4, 9.6))
    for ax in left, right:
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False)
    # sphinx_gallery_alt = "Histogram of 10,000 MLEs of a variance; their average over n, below 9"
    plt.show()

r"""
Least squares is an MLE
=======================

With normal noise of constant sd, the log-likelihood of a linear regression is the negative sum of
squared residuals, up to factors that do not depend on the coefficients. So the MLE is the
least-squares solution :math:`\hat\beta = (X^\top X)^{-1} X^\top y`, whatever the sd is, and the
MLE of the sd is :math:`\sqrt{\mathrm{RSS}/n}`, the residual sum of squares over :math:`n`.
(Regression tables divide by :math:`n - 2`: here, too, the MLE of the variance is too small on
average.)

In the picture the line makes the squares of the grey bars as small as possible in sum. The band
holds the line's 89 % Wald interval at each x, from the covariance of the estimate.
"""

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm
from scipy import stats

import bayes_point as bp

rng = np.random.default_rng(7)
x = np.sort(rng.uniform(0, 10, size=25))
y = 2.0 + 0.8 * x + rng.normal(0, 1.5, size=25)
X = np.column_stack([np.ones_like(x), x])

with pm.Model(coords={"column": ["intercept", "slope"]}) as model:
    beta = pm.Normal("beta", 0, 10, dims="column")
    noise = pm.HalfNormal("noise", 5)
    pm.Normal("y", pm.math.dot(X, beta), noise, observed=y)

if __name__ == "__main__":
    mle = bp.find_MLE(model)
    print(mle)
    print("least squares:", np.linalg.solve(X.T @ X, X.T @ y))
    fitted = X @ mle.point["beta"].values
    grid = np.column_stack([np.ones(100), np.linspace(0, 10, 100)])
    line = grid @ mle.point["beta"].values
    covariance = mle.covariance(var_names="beta").values
    half = stats.norm.ppf(0.945) * np.sqrt(np.einsum("ij,jk,ik->i", grid, covariance, grid))
    fig, ax = plt.subplots(figsize=(6.5, 4), layout="constrained")
    ax.fill_between(grid[:, 1], line - half, line + half, color="#D55E00", alpha=0.15, linewidth=0)
    ax.vlines(x, y, fitted, color="0.7")
    ax.plot(x, y, "o", color="0.15", markersize=4, label="data")
    ax.plot(grid[:, 1], line, color="#D55E00", label="MLE = least squares, 89 % band")
    ax.set(xlabel="x", ylabel="y", title="25 points on a line, with normal noise")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
    # sphinx_gallery_alt = "25 points, the line through them, and their distances from it"
    plt.show()

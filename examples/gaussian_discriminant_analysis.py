r"""
Gaussian discriminant analysis is logistic regression from the other side
=========================================================================

Logistic regression models the class given the features. Gaussian discriminant analysis (GDA)
models the features given the class: normal, with a mean for each class and one covariance for
both. All of its MLE is known: the shares of the classes, the means of the classes, and the
covariance around them, divided by :math:`n`. By Bayes' rule the log odds of the class are then
linear in the features, with the slopes :math:`\Sigma^{-1} (\mu_1 - \mu_0)`: the form of a logistic
regression. Its own MLE is another line, as it does not use that the features are normal. The data
are two of the irises by which Fisher introduced discriminant analysis; the ellipses hold one and
two sd.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pymc as pm

import bayes_point as bp

SPECIES, FEATURES = ["versicolor", "virginica"], ["petal_length", "petal_width"]
iris = pd.read_csv(Path(__file__).parent / "data" / "iris.csv")
iris = iris[iris["species"].isin(SPECIES)]
X, k = iris[FEATURES].to_numpy(), (iris["species"] == "virginica").to_numpy().astype(int)

with pm.Model(coords={"species": SPECIES, "feature": FEATURES}) as model:
    share = pm.Beta("share", 2, 2)  # of virginica
    means = pm.Normal("means", 3, 3, dims=("species", "feature"))
    cholesky, _, _ = pm.LKJCholeskyCov("cholesky", eta=2, n=2, sd_dist=pm.HalfNormal.dist(1))
    pm.Deterministic("covariance", cholesky @ cholesky.T)
    pm.Bernoulli("is_virginica", share, observed=k)
    pm.MvNormal("petals", means[k], chol=cholesky, observed=X)


def boundary(share, means, covariance):
    """Intercept and slopes of the log odds of virginica."""
    slopes = np.linalg.solve(covariance, means[1] - means[0])
    return np.array([np.log(share / (1 - share)) - slopes @ means.mean(axis=0), *slopes])


def logistic():
    with pm.Model() as out:
        weights = pm.Flat("weights", shape=3)
        log_odds = weights[0] + pm.math.dot(X, weights[1:])
        pm.Bernoulli("is_virginica", logit_p=log_odds, observed=k)
    return out


if __name__ == "__main__":
    mle = bp.find_MLE(model)
    print(mle)
    gda = boundary(*(mle.point[name].values for name in ["share", "means", "covariance"]))
    lines = {"GDA": gda, "logistic regression": bp.find_MLE(logistic()).point["weights"].values}
    fig, ax = plt.subplots(figsize=(9, 4.4), layout="constrained")
    angle = np.linspace(0, 2 * np.pi, 100)
    circle = np.linalg.cholesky(mle.point["covariance"].values) @ [np.cos(angle), np.sin(angle)]
    for i, (color, marker) in enumerate([("#009E73", "o"), ("#CC79A7", "D")]):
        ax.plot(*X[k == i].T, marker, color=color, alpha=0.5, ms=5, mew=0, label=SPECIES[i])
        for radius in 1, 2:
            ax.plot(*(mle.point["means"].values[i][:, None] + radius * circle), color=color, lw=1)
    x = np.array([2.8, 7.2])
    for (name, (a, b, c)), line in zip(lines.items(), ["-", "--"], strict=True):
        print(f"{name}: log odds {a:.2f} {b:+.2f} length {c:+.2f} width")
        ax.plot(x, -(a + b * x) / c, line, color="0.15", label=f"boundary, {name}")
    ax.set(xlabel="petal length (cm)", ylabel="petal width (cm)", xlim=x, ylim=(0.8, 2.7))
    ax.set_title("Two irises, and where their odds are even")
    ax.spines[["top", "right"]].set_visible(False)
    fig.legend(loc="outside right upper", frameon=False)
    # sphinx_gallery_alt = "Petals of two irises with two nearly equal straight boundaries"
    plt.show()

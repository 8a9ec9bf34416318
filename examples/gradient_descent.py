r"""
Gradient descent on the loss surface, and Newton
================================================

The loss that machine learning minimises, the negative log-likelihood (NLL), is a surface over the
parameters; its lowest point is the MLE. Here are 20 draws of a normal, with the mean and the log
of the sd as coordinates, and the NLL an observation as height.

Gradient descent goes a fixed multiple of the slope downhill: the steps are long where it is steep
and creep where it is flat, and 80 of them are not enough. bayes_point knows the exact curvature as
well (PyTensor differentiates twice) and takes Newton's step, to the floor of the parabola that
touches the surface, damped where that would not go down: it is at the floor, to the last digit, in
a few.
"""

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm

import bayes_point as bp
from bayes_point.estimation.optimise.maximise import maximise

rng = np.random.default_rng(3)
y = rng.normal(5.0, 3.0, size=20)

with pm.Model() as model:
    mean = pm.Flat("mean")
    sd = pm.HalfFlat("sd")
    pm.Normal("y", mean, sd, observed=y)

density = bp.LogDensity(model)
START = np.array([[-1.0, 2.2]])  # mean, log sd


def loss(points):
    """NLL an observation, and its gradient."""
    value, gradient = density.evaluate(points, ["likelihood"])
    return -value[:, 0] / len(y), -gradient[:, 0] / len(y)


def gradient_descent(steps, rate=0.5):
    path = [START]
    for _ in range(steps):
        path.append(path[-1] - rate * loss(path[-1])[1])
    return np.concatenate(path)


def newton(steps):
    objective = bp.find_MLE(model).objective
    return np.concatenate([maximise(objective, START, max_iterations=k).x for k in range(steps)])


if __name__ == "__main__":
    paths = {"gradient descent": gradient_descent(80), "Newton": newton(12)}
    target = np.array([y.mean(), np.log(y.std())])
    for name, path in paths.items():
        print(f"{name}: {np.abs(path - target).max(axis=1)[[0, 3, 6, -1]]} from the MLE")
    m, s = np.meshgrid(np.linspace(-2, 10, 121), np.linspace(0.55, 2.6, 121))
    height = loss(np.stack([m.ravel(), s.ravel()], axis=1))[0].reshape(m.shape)
    fig, ax = plt.subplots(figsize=(7, 4.6), layout="constrained")
    levels = height.min() + np.geomspace(0.005, 8, 16)
    ax.contour(m, np.exp(s), height, levels=levels, colors="0.7", linewidths=0.8)
    for (name, path), color in zip(paths.items(), ["#CC79A7", "#009E73"], strict=True):
        x, log_sd = path.T
        ax.plot(x, np.exp(log_sd), "o-", color=color, markersize=3.5, linewidth=1.3, label=name)
    ax.plot(*[y.mean(), y.std()], "^", color="#D55E00", markersize=10, label="MLE")
    ax.set(xlabel="mean", ylabel="sd", yscale="log", title="NLL of 20 draws, and two ways down")
    ax.set_yticks([2, 3, 5, 8, 12], ["2", "3", "5", "8", "12"])
    ax.minorticks_off()
    ax.legend(loc="lower right")
    # sphinx_gallery_alt = "Contours of the loss: 80 short steps of gradient descent, 5 of Newton"
    plt.show()

r"""
Item response: how hard is a question, how able a person
========================================================

A thousand people answered five questions of a law school's test (Bock and Lieberman 1970). In a
Rasch model person :math:`i` of ability :math:`\theta_i` answers question :math:`j` rightly with log
odds :math:`a (\theta_i - b_j)`. Each ability is known from five answers only, so the thousand of
them are integrated out, not maximised over: ``find_MLE(model, marginalize="ability")`` does that
for a model that has them. Here the integral is written into the model, as there are 32 rows of
answers only: a sum over 21 nodes of Gauss and Hermite for whoever gave each. Six parameters are
left, and the likelihood is that of a multinomial.

The difficulties are those of R's *ltm* (Rizopoulos 2006): -3.62, -1.32, -0.32, -1.73 and -2.78 at a
discrimination of 0.755. All five questions are easy: they tell the weak apart, and hardly the able.
"""

from itertools import product
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt

import bayes_point as bp

table = pd.read_csv(Path(__file__).parent / "data" / "lsat.csv")
questions = list(table)[:-1]
answers = np.array(list(product([0, 1], repeat=5)))  # all rows that there might be
seen = table.set_index(questions)["people"]
people = np.array([seen.get(tuple(row), 0) for row in answers])
nodes, weights = np.polynomial.hermite_e.hermegauss(21)

with pm.Model(coords={"question": questions}) as model:
    difficulty = pm.Normal("difficulty", 0, 3, dims="question")
    discrimination = pm.HalfNormal("discrimination", 2)
    logit = discrimination * (nodes[:, None] - difficulty)  # node, question
    right = -pt.softplus(-logit) @ answers.T - pt.softplus(logit) @ (1 - answers).T
    log_row = pt.logsumexp(right + np.log(weights / weights.sum())[:, None], axis=0)
    pm.Multinomial("people", people.sum(), pt.exp(log_row), observed=people)

if __name__ == "__main__":
    mle = bp.find_MLE(model)
    print(mle)
    ability = np.linspace(-5, 4, 200)
    fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
    a = float(mle["discrimination"])
    for question, b in zip(questions, mle["difficulty"].values, strict=True):
        ax.plot(ability, 1 / (1 + np.exp(-a * (ability - b))), label=f"{question}: {b:.2f}")
    ax.axvspan(-2, 2, color="0.93", zorder=0)
    ax.set(xlabel="ability (sd)", ylabel="probability of a right answer", title="Five questions")
    ax.legend(frameon=False, title="difficulty")
    ax.spines[["top", "right"]].set_visible(False)
    # sphinx_gallery_alt = "Five rising curves, most of whose rise is left of where people are"
    plt.show()

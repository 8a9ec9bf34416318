"""Published tables short enough to be written down, with the maxima that R finds for them.

The references are R 4.2's own: glm (epsilon 1e-15), nls (tolerance 1e-9, sigma = sqrt(RSS/n)),
survival's survreg (rel.tolerance 1e-14), MASS's gamma.shape; quantreg's rq solves a linear program.
The tables were published as said beside each, and R ships them as well; their numbers are facts,
and carry no licence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pymc as pm

from tests.zoo import ZooModel, with_flat_priors

__all__ = ["PUBLISHED", "leuk", "menarche", "ovarian", "tobin"]

# fmt: off
# Milicer & Szczotka (1966), Human Biology 38: age, girls asked, girls past menarche.
MENARCHE_AGE = np.array([9.21, 10.21, 10.58, 10.83, 11.08, 11.33, 11.58, 11.83, 12.08, 12.33,
    12.58, 12.83, 13.08, 13.33, 13.58, 13.83, 14.08, 14.33, 14.58, 14.83, 15.08, 15.33, 15.58,
    15.83, 17.58])
MENARCHE_N = np.array([376, 200, 93, 120, 90, 88, 105, 111, 100, 93, 100, 108, 99, 106, 105, 117,
    98, 97, 120, 102, 122, 111, 94, 114, 1049])
MENARCHE_Y = np.array([0, 0, 0, 2, 2, 5, 10, 17, 16, 29, 39, 51, 47, 67, 81, 88, 79, 90, 113, 95,
    117, 107, 92, 112, 1049])

# Bliss (1935), Annals of Applied Biology 22: log10 dose of CS2, beetles, beetles killed.
BEETLE_DOSE = np.array([1.6907, 1.7242, 1.7552, 1.7842, 1.8113, 1.8369, 1.861, 1.8839])
BEETLE_N = np.array([59, 60, 62, 56, 63, 59, 62, 60])
BEETLE_Y = np.array([6, 13, 18, 28, 52, 53, 61, 60])

# McCullagh & Nelder (1989), Generalized Linear Models, s. 8.4.2: plasma in %, clotting time, lot 1.
CLOTTING_U = np.array([5.0, 10, 15, 20, 30, 40, 60, 80, 100])
CLOTTING_Y = np.array([118, 58, 42, 35, 27, 25, 21, 19, 18])

# Crowder & Hand (1990), Analysis of Repeated Measures, example 5.3: days, weight of chick 1.
CHICK_X = np.array([0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 21])
CHICK_Y = np.array([42, 51, 59, 64, 76, 93, 106, 125, 149, 171, 199, 205])

# Kung (1986): age and height of pine 301.
LOBLOLLY_X = np.array([3, 5, 10, 15, 20, 25])
LOBLOLLY_Y = np.array([4.51, 10.89, 28.72, 41.74, 52.7, 60.92])

# Kwan et al. (1976), J. Pharmacokinetics and Biopharmaceutics 4: hours, concentration, subject 1.
INDOMETH_X = np.array([0.25, 0.5, 0.75, 1, 1.25, 2, 3, 4, 5, 6, 8])
INDOMETH_Y = np.array([1.5, 0.94, 0.78, 0.48, 0.37, 0.19, 0.12, 0.11, 0.08, 0.07, 0.05])

# Edmonson et al. (1979), Cancer Treatment Reports 63: days, whether died, ECOG status, treatment.
OVARIAN_T = np.array([59, 115, 156, 421, 431, 448, 464, 475, 477, 563, 638, 744, 769, 770, 803,
    855, 1040, 1106, 1129, 1206, 1227, 268, 329, 353, 365, 377])
OVARIAN_DIED = np.array([1, 1, 1, 0, 1, 0, 1, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1,
    1, 0])
OVARIAN_ECOG = np.array([1, 1, 2, 1, 1, 2, 2, 2, 1, 2, 2, 1, 2, 1, 1, 2, 2, 1, 1, 1, 2, 2, 1, 2,
    1, 1])
OVARIAN_RX = np.array([1, 1, 1, 2, 1, 1, 2, 2, 1, 2, 1, 2, 2, 2, 1, 1, 1, 1, 2, 2, 2, 1, 1, 2, 2,
    2])

# Feigl & Zelen (1965), Biometrics 21: weeks, AG factor present, white blood cells.
LEUK_T = np.array([65, 156, 100, 134, 16, 108, 121, 4, 39, 143, 56, 26, 22, 1, 1, 5, 65, 56, 65,
    17, 7, 16, 22, 3, 4, 2, 3, 8, 4, 3, 30, 4, 43])
LEUK_AG = np.array([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0])
LEUK_WBC = np.array([2300, 750, 4300, 2600, 6000, 10500, 10000, 17000, 5400, 7000, 9400, 32000,
    35000, 100000, 100000, 52000, 100000, 4400, 3000, 4000, 1500, 9000, 5300, 10000, 19000, 27000,
    28000, 31000, 26000, 21000, 79000, 100000, 100000])

# Tobin (1958), Econometrica 26: durable goods, age, liquidity ratio.
TOBIN_Y = np.array([0, 0.7, 0, 0, 0, 0, 0, 3.7, 0, 3, 10.4, 0, 0, 0, 1.5, 0, 0, 3.5, 6.1, 0])
TOBIN_AGE = np.array([57.7, 50.9, 48.5, 41.7, 47.7, 59.8, 44.3, 45.1, 51.7, 50, 46.8, 58, 58.9,
    40, 34.1, 39.9, 33.4, 48.1, 46.6, 53.1])
TOBIN_QUANT = np.array([236, 283, 207, 220, 238, 216, 284, 221, 275, 269, 207, 249, 246, 277, 231,
    219, 240, 266, 214, 251])

# Brownlee (1965), Statistical Theory and Methodology, p. 454.
STACK_AIR = np.array([80, 80, 75, 62, 62, 62, 62, 62, 58, 58, 58, 58, 58, 58, 50, 50, 50, 50, 50,
    56, 70])
STACK_WATER = np.array([27, 27, 25, 24, 22, 23, 24, 24, 23, 18, 18, 17, 18, 19, 18, 18, 19, 19,
    20, 20, 20])
STACK_ACID = np.array([89, 88, 90, 87, 87, 87, 93, 93, 87, 80, 89, 88, 82, 93, 89, 86, 72, 79, 80,
    82, 91])
STACK_Y = np.array([42, 37, 37, 28, 18, 18, 19, 20, 15, 14, 14, 13, 11, 12, 8, 7, 8, 8, 9, 15,
    15])
# fmt: on


def curve(x: np.ndarray, y: np.ndarray, mean: Callable[..., Any], names: str) -> Callable:
    """y ~ Normal(mean(x, ...), sigma), everything flat."""

    def build() -> pm.Model:
        with pm.Model() as model:
            parameters = [pm.Flat(name) for name in names.split()]
            pm.Normal("y", mean(x, *parameters), pm.HalfFlat("sigma"), observed=y)
        return model

    return build


def _regression(*columns: np.ndarray) -> Any:
    """An intercept and a slope for each column."""
    a, slopes = pm.Flat("a"), [pm.Flat(f"b{i + 1}") for i in range(len(columns))]
    return a + sum(b * column for b, column in zip(slopes, columns, strict=True))


def menarche() -> pm.Model:
    with pm.Model() as model:
        eta = _regression(MENARCHE_AGE)
        pm.Binomial("y", n=MENARCHE_N.astype(int), logit_p=eta, observed=MENARCHE_Y.astype(int))
    return model


def beetles() -> pm.Model:
    with pm.Model() as model:
        p = 1 - pm.math.exp(-pm.math.exp(_regression(BEETLE_DOSE)))
        pm.Binomial("y", n=BEETLE_N.astype(int), p=p, observed=BEETLE_Y.astype(int))
    return model


def clotting() -> pm.Model:
    with pm.Model() as model:
        rate, shape = _regression(np.log(CLOTTING_U)), pm.HalfFlat("shape")
        pm.Gamma("y", alpha=shape, beta=shape * rate, observed=CLOTTING_Y)
    return model


def ovarian() -> pm.Model:
    with pm.Model() as model:
        eta, scale = _regression(OVARIAN_ECOG, OVARIAN_RX), pm.HalfFlat("scale")
        weibull = pm.Weibull.dist(alpha=1 / scale, beta=pm.math.exp(eta))
        upper = np.where(OVARIAN_DIED == 1, np.inf, OVARIAN_T)
        pm.Censored("t", weibull, lower=None, upper=upper, observed=OVARIAN_T)
    return model


def leuk() -> pm.Model:
    with pm.Model() as model:
        eta, scale = _regression(LEUK_AG, np.log(LEUK_WBC)), pm.HalfFlat("scale")
        pm.Weibull("t", alpha=1 / scale, beta=pm.math.exp(eta), observed=LEUK_T)
    return model


def tobin() -> pm.Model:
    with pm.Model() as model:
        eta, scale = _regression(TOBIN_AGE, TOBIN_QUANT), pm.HalfFlat("scale")
        normal = pm.Normal.dist(eta, scale)
        pm.Censored("y", normal, lower=0, upper=None, observed=TOBIN_Y)
    return model


def stackloss() -> pm.Model:
    with pm.Model() as model:
        eta = _regression(STACK_AIR, STACK_WATER, STACK_ACID)
        pm.Laplace("y", eta, pm.HalfFlat("scale"), observed=STACK_Y)
    return model


def _logistic(x: Any, asym: Any, xmid: Any, scal: Any) -> Any:
    return asym / (1 + pm.math.exp((xmid - x) / scal))


def _asymptote(x: Any, asym: Any, r0: Any, lrc: Any) -> Any:
    return asym + (r0 - asym) * pm.math.exp(-pm.math.exp(lrc) * x)


def _biexponential(x: Any, a1: Any, lrc1: Any, a2: Any, lrc2: Any) -> Any:
    decays = (a * pm.math.exp(-pm.math.exp(lrc) * x) for a, lrc in ((a1, lrc1), (a2, lrc2)))
    return sum(decays)


PUBLISHED = (
    ZooModel(
        "menarche",
        menarche,
        **with_flat_priors(
            {"a": -21.2263949051674, "b1": 1.63196834822757}, -55.3776271565519, "R glm, logit link"
        ),
    ),
    ZooModel(
        "beetles",
        beetles,
        **with_flat_priors(
            {"a": -39.5723106061374, "b1": 22.0411698207577},
            -14.8222384750585,
            "R glm, complementary log-log link",
        ),
    ),
    ZooModel(
        "clotting",
        clotting,
        **with_flat_priors(
            {"a": -0.0165543817262003, "b1": 0.0153431149103247, "shape": 538.131541723867},
            None,
            "R glm, Gamma, inverse link, and MASS gamma.shape",
        ),
    ),
    ZooModel(
        "chick_growth",
        curve(CHICK_X, CHICK_Y, _logistic, "asym xmid scal"),
        **with_flat_priors(
            {
                "asym": 937.020565571436,
                "xmid": 35.2227943503103,
                "scal": 11.4051917023704,
                "sigma": 2.52755409200589,
            },
            -28.154287275303,
            "R nls, SSlogis",
        ),
    ),
    ZooModel(
        "loblolly_growth",
        curve(LOBLOLLY_X, LOBLOLLY_Y, _asymptote, "asym r0 lrc"),
        **with_flat_priors(
            {
                "asym": 95.6669649924111,
                "r0": -9.0782276823749,
                "lrc": -3.11638250552764,
                "sigma": 0.443693492571555,
            },
            -3.63790347731897,
            "R nls, SSasymp",
        ),
    ),
    # The two exponentials are exchangeable.
    ZooModel(
        "indometh",
        curve(INDOMETH_X, INDOMETH_Y, _biexponential, "a1 lrc1 a2 lrc2"),
        **with_flat_priors(
            {
                "a1": 2.02927801545438,
                "lrc1": 0.579389767414451,
                "a2": 0.191547959411398,
                "lrc2": -1.78778330843496,
                "sigma": 0.032727544606273,
            },
            22.0065964772092,
            "R nls, SSbiexp",
            others=(
                {
                    "a1": 0.191547959411398,
                    "lrc1": -1.78778330843496,
                    "a2": 2.02927801545438,
                    "lrc2": 0.579389767414451,
                    "sigma": 0.032727544606273,
                },
            ),
        ),
    ),
    ZooModel(
        "ovarian",
        ovarian,
        **with_flat_priors(
            {
                "a": 6.89669312858295,
                "b1": -0.385042549349983,
                "b2": 0.528645496261344,
                "scale": 0.883873071703185,
            },
            -97.0844931683874,
            "R survreg, weibull",
        ),
    ),
    ZooModel(
        "leuk",
        leuk,
        **with_flat_priors(
            {
                "a": 5.85244849654778,
                "b1": 1.0206091834597,
                "b2": -0.310336057689983,
                "scale": 1.04068944340834,
            },
            -146.498797723141,
            "R survreg, weibull",
        ),
    ),
    ZooModel(
        "tobin",
        tobin,
        **with_flat_priors(
            {
                "a": 15.1448663322209,
                "b1": -0.129059283864553,
                "b2": -0.0455416628896779,
                "scale": 5.57253976599521,
            },
            -28.9401331997206,
            "R survreg, gaussian, left-censored: the tobit",
        ),
    ),
    # Least absolute deviations; the scale is the mean absolute residual.
    ZooModel(
        "stackloss_lad",
        stackloss,
        **with_flat_priors(
            {
                "a": -39.6898550724638,
                "b1": 0.831884057971014,
                "b2": 0.573913043478265,
                "b3": -0.0608695652173913,
                "scale": 2.0038647342995235,
            },
            -50.15272213664899,
            "R quantreg rq, a linear program",
            kink=True,
        ),
    ),
)

"""The top of the report: whether the distance of MAP and MLE from the posterior mean matters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bayes_point.comparison.distance.decision import (
    CANNOT_TELL,
    MATTERS,
    NEGLIGIBLE,
    NO_VERDICT,
    SMALL,
    SMALL_AT_MOST,
)
from bayes_point.report.sections.latents import marginal_note
from bayes_point.report.wording import plural, sentence

if TYPE_CHECKING:
    from bayes_point.comparison.distance.decision import Thresholds
    from bayes_point.report.request import Request

BADGES = {
    MATTERS: "gap matters",
    CANNOT_TELL: "undecided",
    SMALL: "small gap",
    SMALL_AT_MOST: "small or negligible gap",
    NEGLIGIBLE: "negligible gap",
    NO_VERDICT: "no verdict",
}
"""What a verdict is called, in the order in which the parameters of each are counted."""

KINDS = {
    NEGLIGIBLE: "good",
    SMALL: "good",
    SMALL_AT_MOST: "good",
    MATTERS: "bad",
    CANNOT_TELL: "unsure",
    NO_VERDICT: "none",
}
"""Classes of the style."""

ORDER = ("MAP", "MLE")

NOTES = {"on_boundary": "The {} lies on the boundary of the support."}


def verdicts(request: Request) -> dict[str, Any]:
    """Return the sentence that the page opens with, and a card for each estimate."""
    cards = []
    for estimator in ORDER:
        found = request.verdicts[estimator]
        counts = found.parameters["verdict"].value_counts()
        cards.append(
            {
                "estimator": found.estimator,
                "badge": BADGES[found.key],
                "kind": KINDS[found.key],
                "sentence": sentence(found.sentence),
                "counts": [
                    f"{plural(int(counts[key]), 'parameter')}: {BADGES[key]}"
                    for key in BADGES
                    if len(found.parameters) > 1 and counts.get(key, 0)
                ],
            }
        )
    # Names stand in calls as well: bp.find_MAP.
    one, other = (request.verdicts[estimator] for estimator in ORDER)
    swapped = one.sentence.replace(one.estimator.split()[-1], other.estimator.split()[-1])
    if other.key == NO_VERDICT and other.sentence == swapped:
        said = f"There is no verdict on the {other.estimator}, for the same reason."
        cards[1]["sentence"] = said
    notes = marginal_note(request.tree)
    if not request.health.ok:
        found_problems = plural(len(request.health.problems), "problem")
        notes.append(f"The sampler has {found_problems} (see below).")
    notes += [
        NOTES[status.key].format(estimator)
        for estimator, status in request.statuses.items()
        if status.key in NOTES
    ]
    return {
        "lede": [cards[0]["sentence"]],
        "cards": cards,
        "notes": notes,
        "rule": _rule(request.thresholds),
    }


def _rule(limits: Thresholds) -> str:
    """Say what is called small, and what matters."""
    return (
        f"A gap matters if the posterior's 95% interval, moved to be centred on the estimate, "
        f"holds less than {limits.coverage:.0%} of the posterior; if a parameter that was asked "
        f"for by name lies {limits.large:g} posterior sd or more from its mean; or if plugging the "
        f"estimate in costs more than {limits.loss:g} nats an observation in prediction. Otherwise "
        f"it is small if it is {limits.margin:g} posterior sd or more, and else negligible; where "
        "the draws do not tell these two apart, it is small or negligible. The "
        f"probability of a false alarm, over all parameters, is at most {100 * limits.level:g}%. "
        "The limits are arguments of bp.report (margin, large, coverage, loss, level)."
    )

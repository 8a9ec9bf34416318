"""The top of the report: whether the MAP, and the MLE, can stand in for the posterior mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bayes_point.comparison.distance.decision import CANNOT_TELL, DIFFERS, NO_VERDICT, STANDS_IN
from bayes_point.report.wording import plural, sentence

if TYPE_CHECKING:
    from bayes_point.report.request import Request

BADGES = {
    STANDS_IN: "can stand in",
    DIFFERS: "cannot stand in",
    CANNOT_TELL: "these draws cannot tell",
    NO_VERDICT: "no verdict",
}

KINDS = {STANDS_IN: "good", DIFFERS: "bad", CANNOT_TELL: "unsure", NO_VERDICT: "none"}
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
                "estimator": estimator,
                "badge": BADGES[found.key],
                "kind": KINDS[found.key],
                "sentence": sentence(found.sentence),
                "counts": [
                    f"{plural(int(counts[key]), 'parameter')}: {BADGES[key]}"
                    for key in (DIFFERS, CANNOT_TELL, STANDS_IN, NO_VERDICT)
                    if len(found.parameters) > 1 and counts.get(key, 0)
                ],
            }
        )
    notes = []
    if not request.health.ok:
        found_problems = plural(len(request.health.problems), "problem")
        notes.append(f"The sampler has {found_problems} (see below).")
    notes += [
        NOTES[status.key].format(estimator)
        for estimator, status in request.statuses.items()
        if status.key in NOTES
    ]
    percent = f"{100 * request.level:g}"
    notes.append(
        "An estimate can stand in for the posterior mean if each of its parameters is shown to be "
        f"less than {request.margin:g} posterior sd away from it; it cannot if one is shown to be "
        f"farther. Where all is noise, {percent} % of fits would be told so by chance. Both limits "
        "can be set (margin= and level= of bp.report, --margin and --level of the command)."
    )
    return {"lede": [cards[0]["sentence"]], "cards": cards, "notes": notes}

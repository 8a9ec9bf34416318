"""The page "How a maximum is proven", made from the docstrings of the checks.

``python -m docs.proof_page`` writes it; a test compares it with what the checks say today.
"""

from __future__ import annotations

import re
from inspect import cleandoc, getmodule
from pathlib import Path
from typing import Any

from bayes_point.estimation.certificate.certify import CHECKS, ELSEWHERE, HERE
from bayes_point.estimation.certificate.verdicts import PRECEDENCE

__all__ = ["PAGE", "page"]

PAGE = Path(__file__).with_name("proof.md")

_HEAD = """\
# How a maximum is proven

This page is made from the docstrings of the checks: one file and one function each, in
`bayes_point/estimation/certificate/checks/`. They are asked in this order, each of what has been
found by then.
A check does not apply, passes, shows a better point, or makes a claim. Only a better point makes
them begin anew, from there. `print(estimate.certificate)` shows what each said of an estimate, and
the numbers that it rests on.

Of several claims the status is the first in this order; what no claim touches has converged:

{order}

In more than 500 coordinates the same checks are asked. What they ask for is then made by
Hessian-vector products: maxima are climbed to by L-BFGS and truncated Newton steps, and of the
curvature its six weakest directions and its strongest one are known (Lanczos' method), so that of
more flat directions than six, six are named.
"""
_PARTS = {
    HERE[0]: "## Asked of the point",
    ELSEWHERE[0]: "## Asked of what is elsewhere",
    CHECKS[-1]: "## Last of all",
}
_WORDS = ("Evidence:", "Blind spot:", "Source:")


def page() -> str:
    """Return the page, as Markdown."""
    order = "\n".join(f"1. {status.value}" for status in PRECEDENCE)
    parts = [_HEAD.format(order=order)]
    for check in CHECKS:
        if check in _PARTS:
            parts.append(_PARTS[check] + "\n")
        parts.append(_section(check))
    return "\n".join(parts)


def _section(check: Any) -> str:
    text = cleandoc(check.__doc__)
    for word in _WORDS:
        text = text.replace(word, f"**{word}**")
    about = cleandoc(getmodule(check).__doc__).split("\n\n")[0]
    return f"### {check.__name__.replace('_', ' ').capitalize()}\n\n*{about}*\n\n{_linked(text)}\n"


def _linked(text: str) -> str:
    """Make links of the addresses."""
    return re.sub(r"https://\S+[^\s.,]", r"<\g<0>>", text)


if __name__ == "__main__":
    PAGE.write_text(page())

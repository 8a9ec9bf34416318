"""Formulas as MathML, which browsers draw by themselves: no script, no network."""

import html
import re
from xml.etree import ElementTree

from docutils import nodes
from docutils.utils.math import latex2mathml
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

MATHML = "http://www.w3.org/1998/Math/MathML"
ElementTree.register_namespace("", MATHML)
_NAME = re.compile(r"&(?!amp;|lt;|gt;|quot;|apos;|#)\w+;")
_BARS = {"‖", "|", "∥", "∣"}
_ACCENTS = {"ˆ", "^", "¯", "˜", "~"}


def _mathml(text: str, block: bool) -> str:
    try:
        made = latex2mathml.tex2mathml(text, as_block=block)
    except Exception as error:
        raise ExtensionError(f"This formula cannot be made into MathML: {text}") from error
    # HTML's names of characters, such as &emsp;, are none of XML's.
    root = ElementTree.fromstring(_NAME.sub(lambda name: html.unescape(name[0]), made))
    # docutils puts the index of \hat\theta_j below the letter.
    for element in root.iter(f"{{{MATHML}}}munderover"):
        base, index, accent = element
        if (accent.text or "") in _ACCENTS:
            letter = ElementTree.Element(f"{{{MATHML}}}mover", accent="true")
            letter.extend([base, accent])
            element.tag = f"{{{MATHML}}}msub"
            element[:] = [letter, index]
    # Bars of a norm are as high as letters: browsers would stretch them to the fraction beside
    # them, with pieces that fonts lack.
    for element in root.iter(f"{{{MATHML}}}mo"):
        if element.text in _BARS and "stretchy" not in element.attrib:
            element.set("stretchy", "false")
    return ElementTree.tostring(root, encoding="unicode")


def _inline(self, node: nodes.math) -> None:
    self.body.append(_mathml(node.astext(), block=False))
    raise nodes.SkipNode


def _display(self, node: nodes.math_block) -> None:
    self.body.append(self.starttag(node, "div", CLASS="math"))
    self.body.append(_mathml(node.astext(), block=True) + "</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict:
    """Offer the renderer to `html_math_renderer`."""
    app.add_html_math_renderer("mathml", (_inline, None), (_display, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}

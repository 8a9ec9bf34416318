"""Draws from a prior without `scipy.stats`, which takes longer to import than a search takes.

PyTensor draws from a few distributions by SciPy. The two among them that half of all models have
are made from what NumPy draws by itself; the numbers are the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.compile.mode import Mode
from pytensor.graph.rewriting.basic import dfs_rewriter, node_rewriter
from pytensor.tensor.random.basic import HalfCauchyRV, HalfNormalRV, normal, uniform

__all__ = ["DRAWN_ONCE"]


@node_rewriter([HalfNormalRV, HalfCauchyRV])
def _without_scipy(fgraph: Any, node: Any) -> Any:
    rng, size, location, scale = node.inputs
    if isinstance(node.op, HalfNormalRV):
        advanced, draw = normal.make_node(rng, size, pt.zeros_like(location), scale).outputs
        half = pt.abs(draw)
    else:
        upper = pt.ones_like(location + scale)
        advanced, draw = uniform.make_node(rng, size, pt.zeros_like(upper), upper).outputs
        half = scale * pt.tan(0.5 * np.pi * draw)
    out = node.outputs[1].type.filter_variable(location + half, allow_convert=True)
    return [advanced, out]


# No other rewrites: these graphs run a handful of times.
DRAWN_ONCE = Mode(linker="py", optimizer=None).register((dfs_rewriter(_without_scipy), 1))

"""MLE, MAP and posterior of a PyMC model: how far apart they are, why, and whether it matters."""

__version__ = "0.1.0.dev0"

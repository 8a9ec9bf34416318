"""Maxima of a model's log densities, and what can be said of them."""

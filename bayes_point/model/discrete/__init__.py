"""Discrete free variables: their values, what depends on them, and sums over them."""

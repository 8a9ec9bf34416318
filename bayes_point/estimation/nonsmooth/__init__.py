"""Maxima where the density has no derivative: kinks, and walls beyond which it is zero."""

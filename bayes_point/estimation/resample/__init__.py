"""Simulated and resampled data: bootstrap, studies, likelihood ratios."""

"""What the tree of a fit says: gaps, tables, sampler health and figures.

Everything here takes the DataTree that `bayes_point.fit` returns and knows only xarray and ArviZ.
"""

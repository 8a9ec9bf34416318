"""The log densities of a model as functions of one vector."""

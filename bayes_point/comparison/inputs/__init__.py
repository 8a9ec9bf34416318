"""The tree of a fit, checked and taken apart."""

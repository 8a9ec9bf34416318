"""How much the prior matters: the path from MLE to MAP, and the split of the information."""

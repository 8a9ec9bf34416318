"""PyTensor graphs evaluated without compiling, and what makes that quick."""

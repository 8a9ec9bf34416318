"""The observed data of a model: counted, looked at, left out."""

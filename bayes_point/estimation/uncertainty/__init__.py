"""The information at an estimate, and the errors that follow from it."""

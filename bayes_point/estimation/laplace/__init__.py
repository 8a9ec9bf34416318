"""The normal at the mode, and importance sampling from it."""

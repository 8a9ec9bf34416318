"""What a PyMC model is to us: two log densities, the roles of its variables, and its flat twin."""

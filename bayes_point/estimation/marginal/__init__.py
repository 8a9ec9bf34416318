"""Latent variables integrated out: the marginal likelihood as a log density of the parameters."""

"""One model and one estimator, for many data sets."""

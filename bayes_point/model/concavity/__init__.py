"""Whether a log density is concave, proven from its graph."""

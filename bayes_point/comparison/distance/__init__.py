"""How far an estimate is from the posterior, and whether that is more than noise."""

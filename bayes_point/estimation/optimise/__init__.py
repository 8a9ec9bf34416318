"""From starts to stationary points: maximisers, their steps, and how far they can be trusted."""

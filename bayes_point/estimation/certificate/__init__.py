"""What a point is: the proof behind an estimate, and its status."""

"""What a user calls: find_MLE, find_MAP, and the estimate that they return."""

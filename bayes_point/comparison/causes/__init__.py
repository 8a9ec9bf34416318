"""Why an estimate is where it is: the chain from MLE to posterior mean."""

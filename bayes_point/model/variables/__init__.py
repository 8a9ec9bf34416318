"""What each variable of a model is: its role, support and kinks."""

"""From a search to a labelled record."""

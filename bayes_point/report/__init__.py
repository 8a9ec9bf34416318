"""The report: what a fit says, as one HTML file that needs nothing else."""

from bayes_point.report.document import Report, report

__all__ = ["Report", "report"]

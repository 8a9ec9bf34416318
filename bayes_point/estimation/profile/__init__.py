"""Profiles of scalars: maxima along held levels, their ends and contours."""

"""One thing that bills, from submit to stop."""

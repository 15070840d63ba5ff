"""The same preprocessing by three engines, and the data they are given."""

"""What things cost: dated prices, and the report of a run."""

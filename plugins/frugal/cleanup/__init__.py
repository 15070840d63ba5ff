"""What is left over, and what ends it."""

"""What is done to runs under test, step by step. A script yields what it waits for: a name and a condition."""

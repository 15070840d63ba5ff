"""How other tools, and Frugal, are let loose on a seeded account."""

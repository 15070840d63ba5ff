"""One file a stage: the spec and what earlier stages found out become AWS requests. Pure, no network."""

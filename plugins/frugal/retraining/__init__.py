"""What stands between a sign of drift and the money that a retraining costs."""

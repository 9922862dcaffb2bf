"""What rooms share that knows no model."""

"""spaCy components. `factories` is all that a pipeline without them loads."""

"""Operation: the weekly rhythm."""

"""What exists for speed alone, each beside the plain code that it equals."""

"""The paper's tables and those that it has not, from score rows."""

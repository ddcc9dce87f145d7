"""The paper's claims as tests on score rows."""

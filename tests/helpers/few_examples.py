"""Settings of property-based tests."""

from hypothesis import HealthCheck, settings

# The same examples every time: a failure in CI is one everywhere.
FEW = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)

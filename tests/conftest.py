"""What all tests share."""

from hypothesis import HealthCheck, settings

# How long an example takes says more of the machine than of what is tested. What else the profile says holds: in CI,
# hypothesis takes one that gives the same examples each time.
settings.register_profile(
    "any machine",
    parent=settings.get_profile(settings.get_current_profile_name()),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("any machine")

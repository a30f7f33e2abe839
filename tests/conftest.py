"""Settings that all tests share."""

from hypothesis import settings

# Time limits of single examples fail on a busy machine and prove nothing.
settings.register_profile("budgetopt", deadline=None)
settings.load_profile("budgetopt")

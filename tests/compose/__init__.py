"""The platform on a real Docker: run by `.ci/compose` alone."""

"""Pytest plugins that run other libraries' own tests against this one."""

"""Families with experts, and those that keep a state."""

from recipes import old_form, recipe  # noqa: F401

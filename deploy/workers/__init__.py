"""Runs on other machines: settings of Dagster's instance and of the broker, and a rehearsal."""

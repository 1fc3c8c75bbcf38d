"""Measurements that print ratios: how fast, how much memory, how good. Never part of a run."""

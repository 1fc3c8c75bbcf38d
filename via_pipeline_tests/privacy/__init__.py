"""Personal data never leaks: planted people, erasure, objections, retention, another key."""

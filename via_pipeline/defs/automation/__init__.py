"""What runs, and when: jobs, the nightly schedule, sensors, alerts."""

NIGHTLY = "nightly_refresh"
PUBLISH = "publish_letter"
GATE = "release_gate"
LETTER = "letters__voortgangsbrief"

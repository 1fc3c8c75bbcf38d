"""What runs, and when: jobs, the nightly schedule, sensors, alerts."""

NIGHTLY = "nightly_refresh"
PUBLISH = "publish_letter"
GATE = "release_gate"
TAKE_IN = "take_in"
COUNT = "count_peildatum"
LETTER = "letters__voortgangsbrief"
PEILDATUM = "diversity__peildatum"

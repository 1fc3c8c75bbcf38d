"""The Dagster shell: thin assets, checks, jobs, schedules and sensors around the rooms.

Belongs here: everything that imports ``dagster``, and one folder a source with its ``defs.yaml``.
Does not belong here: any rule, sum or format; a room does that and can be run without Dagster.

- ``assemble``    the one assembler, for production, the CLI and tests
- ``components``  the component class that a source's ``defs.yaml`` names
- ``programme``   the assets that are there once: outcomes, diversity, disclosure, serving, letters
- ``automation``  jobs, schedule, sensors
- ``policy``      group, owners, freshness, retries: mapped over all assets in one place
"""

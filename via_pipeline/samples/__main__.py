"""Make the shipped set again, in the landing folder of ``VIA_DATA`` (default ``data``).

``python -m via_pipeline.samples``: removes what the set shipped before and writes it anew, byte for
byte the same. Files that are not of the set are left alone.
"""

from __future__ import annotations

import sys

from via_pipeline.samples.generate import generate
from via_pipeline.storage.home import Home


def main() -> None:
    """Write the shipped set."""
    landing = Home.from_env().landing
    for old in sorted(landing.rglob("*_synthetisch_*")):
        if old.is_file():
            old.unlink()
    paths = generate(landing)
    size = sum(path.stat().st_size for path in paths)
    sys.stdout.write(f"{len(paths)} leveringen (synthetisch), {size / 1e6:.1f} MB, in {landing}\n")


if __name__ == "__main__":
    main()

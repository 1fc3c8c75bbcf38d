"""Assets that are there once for the whole programme, after the sources and before the reader."""

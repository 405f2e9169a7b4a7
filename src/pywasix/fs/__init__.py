"""Files: so far there are none; the standard streams are `kernel.stream`."""

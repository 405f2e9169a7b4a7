"""The host: the only importer of socket, select, os and termios. Real sockets, files, clocks, waiting."""

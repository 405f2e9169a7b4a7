"""System calls: thin handlers, one module per family. A handler decodes, checks pointers, does, stores."""

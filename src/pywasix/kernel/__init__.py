"""The kernel: processes, tasks, descriptors, waiting, signals. It never sees a guest pointer.

Order of locks, outermost first; no thread takes one to the left while it holds one to the right:
`Kernel.process_lock`, `Kernel.descriptor_lock`, `Futexes._lock`, `Signals._lock`, a poller's own.
Then `net.transfer._answers`. Innermost, and never together: `host.sockets._numbers`, those of `net.policy` and
of the virtual network.
No lock is held while a call blocks or while guest code runs.
"""

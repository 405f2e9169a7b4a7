"""The kernel: processes, tasks, descriptors, waiting, signals. It never sees a guest pointer.

Order of locks, outermost first; no thread takes one to the left while it holds one to the right:
`Kernel.process_lock`, `Kernel.descriptor_lock`, `Futexes._lock`, `Signals._lock`, `Kernel._making`,
`Timers._changed`, a poller's own.
Then `kernel.epoll._watching`, or `net.sockets.steps` and then `net.transfer._answers`; then `_changing` of a
`host.virtual_channel`. Innermost, and never together: `host.terminal._LOCK`,
`host.sockets._numbers`, those of `net.policy`, of `net.watch`, of `host.resolver` and of the virtual network.
Inside the virtual network's only: that of a `host.virtual_mailbox`, or that of its relay and then a link's.
`Network._making` comes before all of these: a stack is made under it.
No lock is held while a call blocks or while guest code runs.
"""

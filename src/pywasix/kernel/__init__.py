"""The kernel: processes, tasks, descriptors, waiting, signals. It never sees a guest pointer.

Order of locks, outermost first; no thread takes one to the left while it holds one to the right:
`Kernel.process_lock`, `Kernel.descriptor_lock`, `Futexes._lock`, `Signals._lock`, `Kernel._making`,
`Timers._changed`, a poller's own.
Then `kernel.epoll._watching`, or `net.sockets.steps` and then `net.transfer._answers`; then `_changing` of a
`host.virtual_channel`. Innermost, and never together: `host.terminal._LOCK`,
`host.sockets._numbers`, those of `net.policy`, of `net.watch`, of `host.resolver` and of the virtual network.
Each alone: `MemorySum._lock`, `CpuLimit._lock`, `LocalKeys._lock`, those of `engine.epoch`, `engine.threads`,
`runtime.processes`, `host.unix_names` and `fs.mounts`.
Files: `Loader._loading`, `LateFiles._lock`, `GuestFiles._lock`, then that of a file system (`fs.memory`, `fs.archive`)
or of the lists of `fs.directory`. `Loader._loading` is the one lock that is held while the engine compiles.
Inside the virtual network's only: that of a `host.virtual_mailbox`, or that of its relay and then a link's.
`Network._making` comes before all of these: a stack is made under it.
No lock is held while a call blocks or while guest code runs.
"""

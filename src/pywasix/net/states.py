"""The states of a socket and what each of them allows: one table for both networks."""

from __future__ import annotations

from enum import Enum

from pywasix.abi.errno import Errno


class State(Enum):
    """Where a socket is in its life."""

    FRESH = "fresh"
    BOUND = "bound"
    LISTENING = "listening"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    REFUSED = "refused"  # no connection came of a connect, and connect itself has not told so yet
    FAILED = "failed"  # connect has told so: the socket is as good as new


# What each operation answers in a state that does not allow it (Linux: bind(2), listen(2),
# accept(2), connect(2), tcp(7)). A state that is missing from a row allows the operation. After a connect that
# failed, the channel knows whether the socket still has a port and so cannot be bound. Whoever receives on a refused
# socket finds its end.
REFUSALS: dict[str, dict[State, Errno]] = {
    "bind": dict.fromkeys(set(State) - {State.FRESH, State.REFUSED, State.FAILED}, Errno.INVAL),
    "listen": dict.fromkeys((State.CONNECTING, State.CONNECTED, State.REFUSED), Errno.INVAL),
    "accept": dict.fromkeys(set(State) - {State.LISTENING}, Errno.INVAL),
    "connect": {
        State.CONNECTED: Errno.ISCONN,
        State.LISTENING: Errno.ISCONN,
        State.CONNECTING: Errno.ALREADY,
    },
    "recv": dict.fromkeys((State.FRESH, State.BOUND, State.LISTENING, State.FAILED), Errno.NOTCONN),
    "send": dict.fromkeys(set(State) - {State.CONNECTING, State.CONNECTED}, Errno.PIPE),
    "shutdown": dict.fromkeys((State.FRESH, State.BOUND, State.REFUSED, State.FAILED), Errno.NOTCONN),
}

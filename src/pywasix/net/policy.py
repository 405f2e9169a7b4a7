"""Who may talk to whom: every bind, connect, accept, datagram and name look-up of a guest is judged here.

A policy is made from rules (`pywasix.net.rules` tells their grammar), or is a callable that sees a `Request`.
What a rule means:

- A request is allowed when an ``allow`` rule matches and no ``deny`` rule does; their order does not count.
- An inbound rule is about bind, accept and receive. Its port is the guest's own port; its address is the
  address bound, or the caller's: ``ipv4:allow=10.0.0.0/8:80/in`` lets callers from there in, on port 80.
- An outbound rule is about connect and send: address and port of the other side.
- A ``dns`` rule lets a name be looked up, and the addresses found be reached on its ports. A name that a deny
  rule matches is not looked up at all, whatever the rule's ports.
- A UDP answer is judged by what it answers: a peer whose datagram was let in may be sent to from the same
  port, and a peer that was sent to may answer. A deny rule still wins.
- A UDP client that binds port 0 needs no inbound rule, only some outbound one.
- Unix sockets live in the guest's own namespace and never touch a network: no rule refuses them.

Nothing that a guest says widens a rule: IPv4-mapped addresses are judged as IPv4, scopes do not count, and a
wildcard destination is judged as the loopback address that it turns into.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Lock

from pywasix.net.judge import Action, Direction, Endpoint, Request, RuleJudge, read_traffic
from pywasix.net.rules import Ip, PolicyError, RuleSet, is_numeric, normal_name, parse_rules, read_ip

__all__ = [
    "Action",
    "ConnectionLimits",
    "Direction",
    "Endpoint",
    "NetworkPolicy",
    "PolicyError",
    "Refusals",
    "Request",
    "hint",
    "refusal_message",
]


class NetworkPolicy:
    """Judges requests; safe for use by several threads at once.

    Attributes:
        unrestricted: True when nothing is ever refused: callers need not ask then.
        allowed, refused: how many requests `check` answered with True and with False.
        last_error: the text of the last failure of a policy callable, None when it never failed.

    Args:
        judge: gets every `Request`, from several threads at once, and answers True or False. Whatever else it
            answers (a coroutine, None), and whatever it raises, is a refusal.
    Raises: TypeError when it is not callable.
    """

    def __init__(self, judge: Callable[[Request], bool]) -> None:
        if not callable(judge):
            raise TypeError(f"{judge!r} is not callable; rules are for NetworkPolicy.from_rules")
        self.unrestricted = False
        self.allowed = 0
        self.refused = 0
        self.last_error: str | None = None
        self._judge: Callable[[Request], bool] | None = judge
        self._rules = RuleJudge(RuleSet())
        # Guards the counters, last_error and _rules. Innermost: no other lock is taken under it.
        self._lock = Lock()

    @classmethod
    def allow_all(cls) -> NetworkPolicy:
        """Everything is allowed."""
        policy = cls(lambda request: True)
        policy.unrestricted = True
        return policy

    @classmethod
    def deny_all(cls) -> NetworkPolicy:
        """No rule at all: nothing gets in or out."""
        return cls._of_rules(RuleSet())

    @classmethod
    def from_rules(cls, text: str) -> NetworkPolicy:
        """A policy from a rule text. Raises `PolicyError`, which points at the character."""
        return cls._of_rules(parse_rules(text))

    @classmethod
    def _of_rules(cls, rules: RuleSet) -> NetworkPolicy:
        policy = cls(lambda request: False)
        policy._judge = None
        policy._rules = RuleJudge(rules)
        return policy

    def check(self, request: Request) -> bool:
        """Whether a request is allowed. Raises nothing, whatever the request says."""
        if self._judge is not None:
            verdict, error = _ask(self._judge, request)
            with self._lock:
                self.last_error = error or self.last_error
                self._count(verdict)
            return verdict
        with self._lock:
            verdict = self._rules.allows(request)
            self._count(verdict)
        return verdict

    def _count(self, verdict: bool) -> None:
        if verdict:
            self.allowed += 1
        else:
            self.refused += 1

    def _said(self) -> str:
        """What the policy callable did, in words for the user."""
        if self.last_error is None:
            return "the policy callable said no"
        if self.last_error.startswith("the policy callable"):
            return self.last_error
        return f"the policy callable raised {self.last_error}"

    def learn(self, name: str, addresses: Iterable[str], *, trusted: bool = False) -> None:
        """Tell that a name was resolved: the rule that allows the name then allows its addresses too.

        A look-up must not open the host itself to whoever owns a domain (DNS rebinding): loopback,
        link-local, multicast and unspecified addresses are not learned, but for loopback as ``localhost``,
        or when `trusted` says that the answer is the user's own (static hosts, a resolver of the embedder).
        """
        found = list(addresses)  # the caller's iterator may do anything, so not under the lock
        with self._lock:
            self._rules.learn(name, found, trusted)

    def refusal(self, request: Request) -> str:
        """The line for the user that tells of a refusal and what would allow it."""
        deny = self._rules.denied_by(request)  # the rules never change, so no lock
        if deny is not None:
            return f"{_refused(request)}: the rule {' '.join(deny.split())} forbids it"
        if self._judge is not None:
            return f"{_refused(request)}: {self._said()}"
        return refusal_message(request)


class Refusals:
    """Tells of the first refusal only: a guest that tries again and again must not fill the terminal."""

    def __init__(self, policy: NetworkPolicy) -> None:
        self._policy = policy
        self._told = False
        self._lock = Lock()  # guards _told

    def first(self, request: Request) -> str | None:
        """The line to print for a refused request; None for all but the first."""
        with self._lock:
            told, self._told = self._told, True
        return None if told else self._policy.refusal(request)


class ConnectionLimits:
    """How many connections may be open, in total and with one peer; None is without limit.

    An IPv4-mapped address is the same peer as its IPv4 address, and scopes do not make different peers.

    Attributes:
        refused: how many connections were not admitted.
    """

    def __init__(self, total: int | None = None, per_peer: int | None = None) -> None:
        if (total is not None and total < 0) or (per_peer is not None and per_peer < 0):
            raise ValueError("a limit on connections is not negative")
        self.total = total
        self.per_peer = per_peer
        self.refused = 0
        self._open = 0
        self._by_peer: dict[str, int] = {}  # only peers with an open connection
        self._lock = Lock()  # guards refused, _open and _by_peer

    @property
    def open(self) -> int:
        """Connections admitted and not yet released."""
        return self._open

    def admit(self, peer_ip: str) -> bool:
        """Count one more connection with a peer; False, and nothing is counted, when a limit is reached."""
        peer = str(read_ip(peer_ip) or peer_ip)
        with self._lock:
            mine = self._by_peer.get(peer, 0)
            full = self.total is not None and self._open >= self.total
            if full or (self.per_peer is not None and mine >= self.per_peer):
                self.refused += 1
                return False
            self._open += 1
            self._by_peer[peer] = mine + 1
            return True

    def release(self, peer_ip: str) -> None:
        """An admitted connection ended. Raises ValueError when none is open with the peer."""
        peer = str(read_ip(peer_ip) or peer_ip)
        with self._lock:
            left = self._by_peer.get(peer, 0) - 1
            if left < 0:
                raise ValueError(f"no connection with {peer} is open")
            self._open -= 1
            if left:
                self._by_peer[peer] = left
            else:
                del self._by_peer[peer]


def hint(request: Request) -> str:
    """The flag that would have allowed a request, such as ``--net=ipv4:allow=127.0.0.1:8080/in``."""
    if request.action == Action.RESOLVE:
        return _name_hint(request.name or "")
    traffic = read_traffic(request)
    if traffic is None:
        return "--net"
    port = str(traffic.port) if traffic.port else "*"  # port 0 becomes any port
    direction = "in" if traffic.inbound else "out"
    # Who listens at every address expects callers from every address.
    everywhere = request.action == Action.BIND and traffic.peers[0].value == 0
    return "--net=" + ",".join(
        f"ipv{ip.version}:allow={'*' if everywhere else _bracketed(ip)}:{port}/{direction}" for ip in traffic.peers
    )


def _name_hint(text: str) -> str:
    literal = read_ip(text)
    if literal is not None:
        return f"--net=ipv{literal.version}:allow={_bracketed(literal)}:*/out"
    name = normal_name(text)
    return "--net" if name is None or is_numeric(name) else f"--net=dns:allow={name}:*"


def _bracketed(ip: Ip) -> str:
    return f"[{ip}]" if ip.version == 6 else str(ip)


def refusal_message(request: Request) -> str:
    """The line that tells of a refusal and names the flag which would have allowed the request."""
    return f"{_refused(request)}; allow it with {hint(request)}"


def _refused(request: Request) -> str:
    """What was refused. The guest chose the name, so signs that steer a terminal are escaped."""
    if request.action == Action.RESOLVE:
        what = f"resolve of {(request.name or '')[:255]}"
    else:
        endpoint = request.local if request.action == Action.BIND else request.remote
        preposition = {"accept": "from", "receive": "from"}.get(request.action, "to")
        what = f"{request.action} {preposition} {_shown(endpoint)}/{request.protocol}"
    return "pywasix: the network policy refused " + what.encode("unicode_escape").decode("ascii")


def _shown(endpoint: Endpoint | None) -> str:
    if endpoint is None:
        return "an unknown address"
    host, port = endpoint
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _ask(judge: Callable[[Request], object], request: Request) -> tuple[bool, str | None]:
    """What a policy callable says, and the text of its failure."""
    try:
        verdict = judge(request)
    except (Exception, SystemExit) as error:  # a broken policy refuses, and never ends the guest's thread
        from traceback import format_exception_only  # copes with an error that cannot be shown either

        return False, "".join(format_exception_only(error)).strip()
    if isinstance(verdict, bool):
        return verdict, None
    # An async callable answers a coroutine, which is true: to believe it would allow everything.
    return False, f"the policy callable answered {type(verdict).__name__}, not True or False"

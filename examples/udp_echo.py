"""Python sends datagrams to a guest that sends them back, and cannot get one in that the rules do not allow."""

import socket
from pathlib import Path

import pywasix

SERVER = Path(__file__).resolve().parents[1] / "tests" / "guests" / "udp_echo.wasm"
RULES = "ipv4:allow=127.0.0.1:*/in"  # hear this computer, and answer it


def main() -> None:
    """Start the guest on a free port of this computer and talk to it."""
    program = [SERVER, "-n", "2"]
    with pywasix.start(program, net=RULES, stdout=pywasix.PIPE, text=True) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline().removeprefix("listening on "))
        with socket.socket(type=socket.SOCK_DGRAM) as caller:
            caller.settimeout(30)
            caller.bind(("127.0.0.1", 0))
            for text in ("hello", "and again"):
                caller.sendto(text.encode(), ("127.0.0.1", port))
                answer, sender = caller.recvfrom(1024)
                print(f"{text!r} comes back as {answer.decode()!r} from port {sender[1]}")
        print("the guest printed:")
        print(server.stdout.read(), end="")


if __name__ == "__main__":
    main()

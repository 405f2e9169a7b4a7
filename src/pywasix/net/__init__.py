"""Networks: sockets as state machines, what a network must offer, the virtual network, the policy."""

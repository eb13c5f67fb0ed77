"""Programs without a network: a namespace where only loopback exists, and a list of the sockets that were tried."""

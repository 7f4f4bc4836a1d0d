"""What programs that serve share: errors as problem details, limits of bodies, addresses, server-sent events, signals."""

"""What both HTTP programs share: errors as problem details, limits of bodies, addresses, server-sent events."""

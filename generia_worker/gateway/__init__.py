"""The gateway: what a browser calls. Accounts and sessions, the worlds over gRPC, the stream, and the page's files."""

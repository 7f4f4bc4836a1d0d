"""What the reference services share: their server, what each is to it, and what all of them check, look up and sign."""

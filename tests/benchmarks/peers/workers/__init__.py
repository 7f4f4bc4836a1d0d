"""What the workers of the other systems run: each module one system's program, and what they share. Nothing of Generia."""

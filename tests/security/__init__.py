"""What people do who mean harm."""

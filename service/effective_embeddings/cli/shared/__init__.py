"""What commands share: options, sessions, output, failures."""

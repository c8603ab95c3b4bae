"""What the server process shares with its operating system: signals, systemd, files that change."""

"""Kill, power loss, full disks, damage, backup and repair."""

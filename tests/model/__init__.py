"""The service against an oracle in plain Python and numpy, and the guarantees of exactness."""

"""What the benches share: data, load, peers, records and reports."""

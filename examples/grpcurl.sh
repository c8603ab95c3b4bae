#!/usr/bin/env bash
# The first steps with grpcurl, which learns the contract from the server's reflection service.
#
#   effemb serve &
#   examples/grpcurl.sh                      # or: examples/grpcurl.sh HOST:PORT
set -euo pipefail

target=${1:-127.0.0.1:50051}
service=effective_embeddings.v1.EffectiveEmbeddingsService

call() { grpcurl -plaintext -d "$2" "$target" "$service/$1"; }

call CreateNamespace '{"namespace": {"name": "tickets", "dimension": 3}}'

# A category's base is the embedding of its name, from the model of your choice.
call PutCategories '{"namespace": "tickets", "categories": [
  {"key": "billing", "base": {"values": [1, 0, 0]}},
  {"key": "network", "base": {"values": [0, 1, 0]}}]}'

# By names alone this ticket belongs to "network".
call Match '{"namespace": "tickets", "queries": [{"embedding": {"values": [0.2, 0.3, 0.9]}}], "limit": 1}'

# A person knows better. A "request_id" makes the write safe to repeat: a retry gets the first answer.
call Assign '{"namespace": "tickets", "write": {"request_id": "ticket-1-billing", "actor": "kim"},
  "assignments": [
    {"item": "ticket-1", "category": "billing", "embedding": {"values": [0.2, 0.3, 0.9]}}]}'

# A similar ticket is billing from now on.
call Match '{"namespace": "tickets", "queries": [{"embedding": {"values": [0.1, 0.2, 0.9]}}], "limit": 1}'

"""What the evaluation programs share: scoring, metrics, tables, recorded results."""

"""A training explained after the fact, from the checkpoints that it left."""

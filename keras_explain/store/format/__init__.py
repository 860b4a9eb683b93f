"""What is kept, and in which form."""

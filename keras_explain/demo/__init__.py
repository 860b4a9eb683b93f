"""The demo: a network that starts to cheat in mid-training, on data that ships with the package."""

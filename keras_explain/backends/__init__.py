"""One module a Keras backend: compile a function, differentiate it. Nothing else."""

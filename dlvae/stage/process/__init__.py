"""What a running process holds: locks on files, a GPU, the signals that stop it."""

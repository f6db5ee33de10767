"""Read pickles by simulating the machine that loads them; nothing is ever unpickled."""

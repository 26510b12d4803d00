"""2:4 sparsity: masks that training holds, their checks, dead weights, and what it brings on a GPU."""

"""Paper A's drawn samples of rare classes: a small GAN, and pictures with its objects pasted in."""

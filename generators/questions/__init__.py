"""Question shapes. Chains (1 to n hops, forwards and back) so far; a shape is one file that yields `Question`s."""

"""The hub's memory: every log it reads or writes, the books folded from them, and the catalogue, in one file."""

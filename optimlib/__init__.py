"""optimlib: the optimizers of deep learning, one equation a line, with the names and the numbers of Keras 3."""

import numpy as np

__version__ = "1.0.0"

# glibc returns freed arrays of 128 kB and more to the system, and getting them back, zeroed, costs more than a step's arithmetic; but it
# keeps what is no larger than the largest array freed so far, up to 32 MB. Freeing an array that nothing was written to costs no memory.
np.empty(31 << 20, dtype=np.uint8)

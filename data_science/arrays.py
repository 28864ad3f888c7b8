"""The arrays that functions take and give, by what they hold."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]  # of many numbers, of which seven digits are enough
Ints = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

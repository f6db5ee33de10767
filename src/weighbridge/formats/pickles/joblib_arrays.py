"""Arrays that joblib writes between the opcodes of a pickle, right behind the state of its wrapper.

Source: joblib 1.5 `numpy_pickle.NumpyArrayWrapper.write_array` and `NumpyUnpickler.load_build`.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from weighbridge.formats.pickles.values import Items, Made, Name

if TYPE_CHECKING:
    from weighbridge.formats.pickles.machine import Machine

__all__ = ["WRAPPER", "pass_array"]

WRAPPER = Name("joblib.numpy_pickle", "NumpyArrayWrapper")
_DTYPE = Name("numpy", "dtype")
_CODE = re.compile(r"[<>=|]?([biufcSUVOmM])(\d+)")
_BYTES_PER_CHARACTER = 4  # of numpy's `U`


def pass_array(machine: Machine, state: Any) -> None:
    """Pass over the array that follows; an array of objects is a pickle, which is run; raises ValueError, Ended."""
    first = state.first if isinstance(state, Items) else {}
    shape, dtype = first.get("shape"), first.get("dtype")
    if not isinstance(dtype, Made) or dtype.callee != _DTYPE or not isinstance(shape, tuple):
        raise ValueError
    code = _CODE.fullmatch(str(dtype.arguments[0])) if dtype.arguments else None
    if code is None or not all(isinstance(n, int) and n >= 0 for n in shape):
        raise ValueError
    if code[1] == "O":
        machine.run_inner()
        return
    if first.get("numpy_array_alignment_bytes") is not None:
        machine.reader.skip(machine.reader.take(1)[0])
    width = _BYTES_PER_CHARACTER if code[1] == "U" else 1
    machine.reader.skip(math.prod(shape) * int(code[2]) * width)

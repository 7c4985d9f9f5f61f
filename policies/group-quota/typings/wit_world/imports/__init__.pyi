# Made from wit/ by `guestlist policy types`; run that again when wit/ has changed.
from . import types as types

# Made from wit/ by `guestlist policy types`; run that again when wit/ has changed.

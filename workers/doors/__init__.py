"""Where the outside comes in. A door says yes only after `inbox.accept` has committed."""

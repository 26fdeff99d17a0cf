"""One error class for everything a user can mend: the message says what, where and what is allowed."""


class JGMError(ValueError):
    """Bad input at the border of the library (a file, a card, a parameter)."""

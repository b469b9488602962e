"""The two ways in which a command may fail."""


class UserError(Exception):
    """Something that the user passed is wrong: exit status 2.

    The message is one line. It says what was expected, what was found and what to do.
    """


class TrainingError(Exception):
    """Training itself failed, for example with a non-finite loss: exit status 1."""

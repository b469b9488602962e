"""The two ways in which a command may end other than well."""


class UserError(Exception):
    """Something that the user gave is wrong: one clear line, exit status 2.

    The message says what was expected, what was found and what to do.
    """


class TrainingError(Exception):
    """Training itself failed, for example a non-finite loss: exit status 1."""

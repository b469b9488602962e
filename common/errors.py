"""The ways in which a command may fail, wholly or in part."""


class UserError(Exception):
    """Something that the user passed is wrong: exit status 2.

    The message is one line. It says what was expected, what was found and what to do.
    """


class WritingError(UserError):
    """A result cannot be written, for example on a full disk: exit status 1."""


class TrainingError(Exception):
    """Training itself failed, for example with a non-finite loss: exit status 1."""


class LeftOut:
    """The result of a command over many files that left some of them out: status 3.

    A command that makes something of each file of a folder returns such a result if it
    could not use all of them. It has logged or listed the others with the reasons.
    """


class PathsLeftOut(LeftOut, list):
    """Paths of the files that were written, while others were left out."""


class TextLeftOut(LeftOut, str):
    """A report on the files that were used, while others were left out."""

"""How a command may fail, wholly or in part, and how its messages are shown."""

import logging


class UserError(Exception):
    """Something that the user passed is wrong: exit status 2.

    The message is one line. It says what was expected, what was found and what to do.

    Attributes:
        status: exit status of the command.
    """

    status = 2


class WritingError(UserError):
    """A result cannot be written, for example on a full disk: exit status 1.

    If nothing at all can be written to its folder although the disk is not full, the
    path is wrong: exit status 2.
    """

    status = 1


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


def printable(text: str) -> str:
    """Return a text with escapes in place of characters that a terminal obeys.

    The names of files and classes come from users. They may contain escape sequences,
    or bytes that are not UTF-8.

    Args:
        text: text for the screen; its line ends and tabs stay.
    """
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() or one in "\n\t" else _escape(one) for one in text
    )


class PrintableFormatter(logging.Formatter):
    """Formats log messages as printable lines."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of a record, in one line unless it has a traceback."""
        text = printable(super().format(record))
        return text if record.exc_info else text.replace("\n", "\\n")


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")

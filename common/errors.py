"""The two ways in which a command may fail, and how their messages are shown."""

import logging


class UserError(Exception):
    """Something that the user passed is wrong: exit status 2.

    The message is one line. It says what was expected, what was found and what to do.
    """


class TrainingError(Exception):
    """Training itself failed, for example with a non-finite loss: exit status 1."""


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

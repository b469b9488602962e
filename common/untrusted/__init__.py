"""Files from others, whose reading may crash or take all memory.

In reading order:

    child: work done in a child process with limited memory and time
    keras_archive: networks from .keras files
"""

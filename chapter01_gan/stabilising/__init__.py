"""A comparison of the stabilising techniques on the same small problems.

In reading order:

    problems: data sets of points and digits whose modes can be counted
    techniques: the techniques, as changes of the configuration
    short_training: a short training in one compiled loop
    compare: the command `compare`
    report: its table and its picture
"""

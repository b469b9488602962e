"""The stabilising techniques compared on the same small problems.

In reading order:

    problems: points and digits whose modes can be counted
    techniques: what is compared, and what each technique reaches
    short_training: a short training in one compiled loop
    compare: the command `compare`
    report: its table and its picture
"""

"""Procedural chairs, tables, aeroplanes and cars in the format of 3D ShapeNets.

In reading order:

    write: a whole data set
    primitives: solids made of simple parts
    chairs: one chair
    chair_frame: the dimensions that a chair's parts share
    chair_bases: legs and other bases of chairs
    chair_backs: backs of chairs
    tables: one table
    aeroplanes: one aeroplane
    cars: one car
"""

"""Procedural stand-ins for data sets that may not be passed on, in their formats.

In reading order:

    drawing: what the drawn stand-ins share
    digits: for MNIST
    shapes: for 3D ShapeNets
    age_faces: for IMDB-WIKI
    anime_faces: for collections of anime faces
    scenes: for photos
    photographs: photos of shapes
    toys: for smallNORB
    rooms: rooms without people, as backgrounds of rendered objects
"""

"""A stand-in for smallNORB: stereo pairs of procedural grey toys on a turntable.

In reading order:

    write: a whole data set
    instances: the toys of a data set
    animals: four-legged animals
    humans: human figures
    airplanes: airplanes on their wheels
    trucks: trucks with different loads
    cars: cars of different shapes
    wheels: wheels of trucks and cars
    solids: simple solids, and the surface of their union
    views: pictures of a toy
    camera: the two cameras and the turntable
    lighting: lamps, and shadows on the toy and on the ground
"""

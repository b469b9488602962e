"""Voxel shapes: reading, caching, rendering and writing.

In reading order:

    voxels: voxel files, resizing, and the largest connected component
    finding: the shape files in a folder, their classes and splits
    store: a bit-packed cache of a data set
    mat5: the .mat files of 3D ShapeNets
    mat4: .mat files of an older format
    npy: .npy and .npz files, without pickle
    binvox: the binvox format
    meshes: voxels to printable meshes, and mesh files to voxels
    voxelise: triangles to solid voxels
    surface: the smooth surface that renderings, meshes and the viewer share
    rendering: shaded pictures and turntables
    shading: camera, light and shadow
    viewer: one HTML file that shows shapes in 3-D
"""

"""Voxel shapes: read, kept, drawn and written.

In reading order:

    voxels: files of voxels, sizes, and the largest connected body
    finding: which files a folder holds
    store: a bit-packed copy of a data set
    mat5: the .mat files of 3D ShapeNets
    npy: .npy and .npz files, without pickle
    binvox: the binvox format
    meshes: meshes to print, and mesh files to voxels
    voxelise: triangles to solid voxels
    surface: the surface that images, meshes and the viewer share
    rendering: shaded images and turntables
    shading: camera, light and shadow
    viewer: one HTML file that shows shapes in 3-D
"""

"""Faces found in drawings and cut out: `data prepare`.

In reading order:

    detectors: AnimeFace, OpenCV's cascade, or none
    prepare: a folder of drawings to a folder of faces
    report: what was found, as a table and a contact sheet
"""

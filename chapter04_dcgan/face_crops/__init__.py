"""Finding faces in drawings and cropping them: the command `data prepare`.

In reading order:

    prepare: turns a folder of drawings into a data set of faces
    detectors: find faces by AnimeFace, OpenCV's cascade classifier, or not at all
    report: the results as a table, a contact sheet and a short text
"""

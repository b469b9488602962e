"""From any photo to the face that the network expects.

In reading order:

    framing: where faces lie in the images of a data set
    face_crop: find the face in a photo, turn it upright, cut it out, and paste it
        back
"""
